#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* Linux 5.14; the same everywhere */
#endif

enum {
    FIRST_PROJECT = 0x40000000, /* the upper half of what fits into an int: administrators number theirs from below */
    PROJECTS = 0x40000000,
    MOST_TRIES = 64,
    FILE_BYTES = 4096 /* what a file takes that is not empty */
};

static int quota(int directory, unsigned command, unsigned project, void *argument)
{
    return syscall(SYS_quotactl_fd, directory, QCMD(command, PRJQUOTA), project, argument) != 0 ? errno : 0;
}

/* Quota may also be counted and nothing refused. */
static int is_enforced(int directory)
{
    struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
    return quota(directory, Q_XGETQSTATV, 0, &state) == 0 && (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
}

/* Makes it so, with all that will be made in it. One that is somebody else's stays so. 0 or errno. */
static int put_into(int directory, unsigned project)
{
    struct fsxattr attributes;
    if (ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0)
        return errno;
    if (attributes.fsx_projid != 0 && attributes.fsx_projid < FIRST_PROJECT)
        return ENOTSUP;
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(directory, FS_IOC_FSSETXATTR, &attributes) != 0 ? errno : 0;
}

/*
 * A directory has its inode's number while it is there, so its project is named after that; what another had under the
 * name before is gone with its files, and only its limits may be left. Where numbers are larger than names two may
 * meet: then there is more in the project than this directory, and it takes the next.
 */
static int bound(int directory, int64_t bytes)
{
    struct stat status;
    struct if_dqblk use;
    if (!is_enforced(directory))
        return ENOTSUP;
    if (fstat(directory, &status) != 0)
        return errno;
    for (unsigned i = 0; i < MOST_TRIES; i++) {
        unsigned project = FIRST_PROJECT + (unsigned)((status.st_ino + i) % PROJECTS);
        int error = put_into(directory, project);
        if (error == 0)
            error = quota(directory, Q_GETQUOTA, project, &use);
        if (error != 0)
            return error;
        if (use.dqb_curinodes != 1)
            continue;
        const struct if_dqblk limits = {
            .dqb_bhardlimit = (uint64_t)bytes / QIF_DQBLKSIZE,
            .dqb_ihardlimit = (uint64_t)bytes / FILE_BYTES + 1,
            .dqb_valid = QIF_LIMITS,
        };
        return quota(directory, Q_SETQUOTA, project, (void *)&limits);
    }
    return EBUSY;
}

int disk_bound(const char *directory, int64_t bytes)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = bound(fd, bytes);
    return close(fd) != 0 && error == 0 ? errno : error;
}

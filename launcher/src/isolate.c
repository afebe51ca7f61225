#include "isolate.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* sys/mount.h and linux/mount.h cannot be included together in this C library; mount(2) is one line. */
extern int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);

enum { MAX_TERMINALS = 64 };

static int mount_tmpfs(const char *target, const char *options)
{
    return mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0 ? errno : 0;
}

/* What it is that has a size, in memory: that of the cgroup that writes it, which must not be all there is. */
static int mount_bounded(const char *target, const char *owner, int64_t bytes)
{
    char options[128];
    int length = snprintf(options, sizeof options, "%s", owner);
    if (bytes != 0) /* an empty file takes about a KiB, too, and is no part of the size (tmpfs(5)) */
        (void)snprintf(options + length, sizeof options - (size_t)length, ",size=%lld,nr_inodes=%lld",
                       (long long)bytes, (long long)(bytes / 1024 + 1));
    return mount_tmpfs(target, options);
}

/* A place for everybody's files. */
static int mount_scratch(const char *target, int64_t bytes)
{
    return mount_bounded(target, "mode=1777", bytes);
}

/* One for the job's user alone. */
static int mount_work(const struct sheet *sheet)
{
    char owner[64] = "mode=0700";
    if (sheet->uid >= 0)
        (void)snprintf(owner, sizeof owner, "mode=0700,uid=%u,gid=%u", (unsigned)sheet->uid, (unsigned)sheet->gid);
    return mount_bounded(ISOLATE_WORK, owner, sheet->disk_bytes);
}

/* With what is mounted below it. */
static int bind_mount(const char *source, const char *target)
{
    return mount(source, target, NULL, MS_BIND | MS_REC, NULL) != 0 ? errno : 0;
}

static int is_below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static void fd_path(char *path, size_t size, int fd)
{
    (void)snprintf(path, size, "/proc/self/fd/%d", fd);
}

/*
 * Opens a directory that the client has named with the permissions of the job's user, not ours: a path that
 * leads through somebody's private directory must not be opened for those who could not walk it.
 */
static int open_as_job(const struct sheet *sheet, const char *path)
{
    if (sheet->uid >= 0) {
        (void)syscall(SYS_setfsgid, (gid_t)sheet->gid); /* setfsuid(2): cannot fail for root, nor tell */
        (void)syscall(SYS_setfsuid, (uid_t)sheet->uid); /* and takes the capabilities over files away */
    }
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = errno;
    (void)syscall(SYS_setfsuid, (uid_t)0);
    (void)syscall(SYS_setfsgid, (gid_t)0);
    errno = error;
    return fd;
}

static int hide_server(const struct sheet *sheet)
{
    int error = mount_tmpfs(sheet->hide, "mode=0755,size=64k");
    if (error != 0)
        return error;
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    return mount(NULL, sheet->hide, NULL, flags, NULL) != 0 ? errno : 0;
}

static int set_read_only(const char *path)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    return syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) != 0 ? errno : 0;
}

/*
 * Its own cgroup in place of all others: their names tell who runs here. What is in /sys is written to by root alone,
 * mostly; a job finds all of it read-only. 0 or errno.
 */
static int narrow_sys(const struct sheet *sheet)
{
    if (sheet->cgroup_mount != NULL) {
        unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        int error = bind_mount(sheet->cgroup, sheet->cgroup_mount);
        if (error == 0 && mount(NULL, sheet->cgroup_mount, NULL, flags, NULL) != 0)
            error = errno;
        if (error != 0)
            return error;
    }
    int error = set_read_only("/sys");
    return error == EINVAL || error == ENOENT || error == ENOSYS ? 0 : error; /* nothing is mounted there; Linux 5.12 */
}

/* A copy of what is there, with all that is mounted below it and the flags that each has now; -1 with errno. */
static int copy_tree(int directory)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
    return (int)syscall(SYS_open_tree, directory, "", flags);
}

static int put_tree(int tree, int directory)
{
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    return syscall(SYS_move_mount, tree, "", directory, "", flags) != 0 ? errno : 0;
}

/*
 * The job's own directory, under a path that leads through nobody else's and is the same for every job. work is a
 * descriptor of it or, if what there was has become read-only, of a copy from before.
 */
static int make_work(const struct sheet *sheet, int work)
{
    char source[64];
    if (mkdir(ISOLATE_WORK, 0755) != 0 && errno != EEXIST)
        return errno;
    if (sheet->disk_in_memory)
        return mount_work(sheet);
    if (!sheet->read_only) {
        fd_path(source, sizeof source, work);
        return bind_mount(source, ISOLATE_WORK);
    }
    int target = open(ISOLATE_WORK, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (target < 0)
        return errno;
    int error = put_tree(work, target);
    close(target);
    return error;
}

/*
 * Terminals of the job's own (devpts(5)): whoever could open the host's would write to its users. The group is that
 * of the host's terminals, where they have one, for C libraries that want it so (grantpt(3)); the number is bounded,
 * since what the host may have is shared by all. A kernel without terminals has none for the job either.
 */
static int make_terminals(gid_t group)
{
    char options[96];
    int length = snprintf(options, sizeof options, "newinstance,ptmxmode=0666,mode=0620,max=%d", MAX_TERMINALS);
    if (group != 0)
        (void)snprintf(options + length, sizeof options - (size_t)length, ",gid=%u", group);
    if (mkdir("/dev/pts", 0755) != 0)
        return errno;
    if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, options) != 0)
        return errno == ENODEV ? 0 : errno;
    return symlink("pts/ptmx", "/dev/ptmx") != 0 ? errno : 0;
}

static int make_dev(int64_t scratch_bytes)
{
    static const char *const NODES[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const LINKS[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"}};
    enum { COUNT = sizeof NODES / sizeof NODES[0], TTY = COUNT - 1 };
    struct stat tty;
    int nodes[COUNT];
    char path[64];
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(path, sizeof path, "/dev/%s", NODES[i]);
        nodes[i] = open(path, O_PATH | O_CLOEXEC);
        if (nodes[i] < 0)
            return errno;
    }
    int error = fstat(nodes[TTY], &tty) != 0 ? errno : 0;
    if (error == 0 && mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755,size=64k") != 0)
        error = errno;
    for (size_t i = 0; error == 0 && i < COUNT; i++) {
        char source[64];
        (void)snprintf(path, sizeof path, "/dev/%s", NODES[i]);
        fd_path(source, sizeof source, nodes[i]);
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        error = file < 0 ? errno : close(file) != 0 ? errno : bind_mount(source, path);
    }
    for (size_t i = 0; i < COUNT; i++)
        close(nodes[i]);
    for (size_t i = 0; error == 0 && i < sizeof LINKS / sizeof LINKS[0]; i++) {
        if (symlink(LINKS[i][0], LINKS[i][1]) != 0)
            error = errno;
    }
    if (error == 0)
        error = make_terminals(tty.st_gid);
    if (error == 0 && mkdir("/dev/shm", 01777) != 0)
        error = errno;
    return error != 0 ? error : mount_scratch("/dev/shm", scratch_bytes);
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

/*
 * Over the host's own, by a file in the job's /tmp, which has a name as long as a mount needs one. The host's stays as
 * it is, and its owner may replace it (rename(2)). If the job does not see it, there is nothing to cover.
 */
static int cover_file(const struct account_file *file)
{
    static const char NAME[] = "/tmp/cover";
    int fd = open(NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    int error = write_all(fd, file->text, file->length);
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0)
        error = bind_mount(NAME, file->path);
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    if (error == 0 && mount(NULL, file->path, NULL, flags, NULL) != 0)
        error = errno;
    if (unlink(NAME) != 0 && error == 0)
        error = errno;
    return error == ENOENT ? 0 : error;
}

static int list_user(const struct account *account)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < ACCOUNT_FILES; i++) {
        if (account->files[i].text != NULL)
            error = cover_file(&account->files[i]);
    }
    return error;
}

/*
 * Everything read-only, but for the directory that the client has named to work in. That one is copied before, with
 * what is mounted below it, by a descriptor and never again by its path, and put back with the flags that each had.
 * Below /tmp there is nothing of the host's to keep.
 */
static int make_read_only(const struct sheet *sheet)
{
    if (strcmp(sheet->cwd, "/") == 0 || is_below(sheet->cwd, "/tmp"))
        return set_read_only("/");
    int directory = open_as_job(sheet, sheet->cwd);
    if (directory < 0)
        return errno;
    int tree = copy_tree(directory);
    int error = tree < 0 ? errno : set_read_only("/");
    if (error == 0)
        error = put_tree(tree, directory);
    if (tree >= 0)
        close(tree);
    close(directory);
    return error;
}

/*
 * What the job mounts must not spread to the host; what the host unmounts must go here too, or a job would keep a disk
 * busy (mount_namespaces(7)). But then what it mounts comes as well, and as writable as it is there: a read-only job
 * goes without both.
 */
static int part_from_host(const struct sheet *sheet)
{
    unsigned long propagation = sheet->read_only ? MS_PRIVATE : MS_SLAVE;
    return mount(NULL, "/", NULL, MS_REC | propagation, NULL) != 0 ? errno : 0;
}

/* The job's directory, before anything covers it or takes its flags; -1 with errno. */
static int open_work(const struct sheet *sheet)
{
    int work = open(sheet->work, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (work < 0 || !sheet->read_only)
        return work;
    int copy = copy_tree(work);
    int error = errno;
    close(work);
    errno = error;
    return copy;
}

/*
 * The order: first nothing may spread to the host any more; then what is there is narrowed, and becomes read-only, if
 * asked for; then the places that are the job's own; /proc last, because the steps before use the old one.
 */
int isolate_files(const struct sheet *sheet)
{
    int work = -1;
    int error = part_from_host(sheet);
    if (error != 0)
        return error;
    if (sheet->work != NULL && (work = open_work(sheet)) < 0)
        return errno;
    if ((error = narrow_sys(sheet)) != 0)
        return error;
    if (sheet->read_only && (error = make_read_only(sheet)) != 0)
        return error;
    /* A server's directory below /tmp is gone with the host's /tmp; else each has a cover of its own. */
    if (sheet->hide != NULL && !is_below(sheet->hide, "/tmp") && (error = hide_server(sheet)) != 0)
        return error;
    if ((error = mount_scratch("/tmp", sheet->scratch_bytes)) != 0)
        return error;
    if ((error = list_user(&sheet->account)) != 0)
        return error;
    /* Sockets that have a path belong to no network namespace (unix(7)), and most of the host's are in /run. */
    if (sheet->no_network && (error = mount_tmpfs("/run", "mode=0755")) != 0)
        return error;
    if (work >= 0 && ((error = make_work(sheet, work)) != 0 || (close(work) != 0 && (error = errno) != 0)))
        return error;
    if ((error = make_dev(sheet->scratch_bytes)) != 0)
        return error;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
        return errno;
    return 0;
}

int isolate_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, "lo", sizeof "lo");
    request.ifr_flags = IFF_UP;
    int error = ioctl(fd, SIOCSIFFLAGS, &request) != 0 ? errno : 0; /* netdevice(7) */
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

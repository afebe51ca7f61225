#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int write_once(int dir_fd, const char *name, const char *text)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

/* clone(2): glibc has no wrapper. Before Linux 5.3, or behind a filter, clone does what it can. */
static pid_t raw_clone(struct clone_args *args)
{
    pid_t pid = (pid_t)syscall(SYS_clone3, args, sizeof *args);
    if (pid >= 0 || errno != ENOSYS || args->cgroup != 0)
        return pid;
    return (pid_t)syscall(SYS_clone, (unsigned long)(args->flags | SIGCHLD), 0UL, 0UL, 0UL, 0UL);
}

pid_t cgroup_fork(int cgroup_fd, unsigned long long flags, int *join_error)
{
    *join_error = 0;
    struct clone_args args = {
        .flags = flags,
        .exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD, /* clone(2): CLONE_PARENT keeps the caller's */
    };
    if (cgroup_fd < 0)
        return raw_clone(&args);

    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (unsigned)cgroup_fd;
    pid_t pid = raw_clone(&args);
    if (pid >= 0 || (errno != ENOSYS && errno != EINVAL && errno != E2BIG))
        return pid;

    args.flags &= ~(__u64)CLONE_INTO_CGROUP;
    args.cgroup = 0;
    pid = raw_clone(&args);
    if (pid == 0)
        *join_error = write_once(cgroup_fd, "cgroup.procs", "0");
    return pid;
}

int cgroup_open(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int read_quota(int cgroup_fd, struct cgroup_quota *quota)
{
    memset(quota, 0, sizeof *quota);
    int fd = openat(cgroup_fd, "cpu.max", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t length = read(fd, quota->text, sizeof quota->text - 1);
    int error = length < 0 ? errno : length == sizeof quota->text - 1 ? EOVERFLOW : 0;
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

/* cgroup-v2.rst, cpu.max: "max" alone changes the quota and leaves the period. */
int cgroup_lift_quota(int cgroup_fd, struct cgroup_quota *quota)
{
    quota->text[0] = '\0';
    if (cgroup_fd < 0)
        return 0;
    int error = read_quota(cgroup_fd, quota);
    if (error == ENOENT)
        return 0; /* no such controller */
    if (error == 0 && strncmp(quota->text, "max", 3) == 0)
        quota->text[0] = '\0';
    return error == 0 && quota->text[0] != '\0' ? write_once(cgroup_fd, "cpu.max", "max") : error;
}

int cgroup_restore_quota(int cgroup_fd, const struct cgroup_quota *quota)
{
    struct cgroup_quota now;
    if (quota->text[0] == '\0')
        return 0;
    int error = write_once(cgroup_fd, "cpu.max", quota->text);
    if (error == 0)
        error = read_quota(cgroup_fd, &now);
    return error != 0 ? error : strcmp(now.text, quota->text) == 0 ? 0 : EPROTO;
}

int cgroup_kill(int cgroup_fd)
{
    return write_once(cgroup_fd, "cgroup.kill", "1");
}

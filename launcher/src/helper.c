#include "helper.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t helper_fork(void)
{
    struct clone_args args = {.exit_signal = 0}; /* wait(2): a "clone" child */
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0 && errno == ENOSYS)
        pid = (pid_t)syscall(SYS_clone, 0UL, 0UL, 0UL, 0UL, 0UL);
    return pid;
}

void helper_close_others(int *keep, size_t count)
{
    for (size_t i = 1; i < count; i++) { /* sorted */
        for (size_t j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
            int other = keep[j - 1];
            keep[j - 1] = keep[j];
            keep[j] = other;
        }
    }
    unsigned from = 3;
    for (size_t i = 0; i <= count; i++) {
        unsigned to = i < count ? (unsigned)keep[i] : ~0U;
        if (i < count && keep[i] < 0)
            continue;
        unsigned last = i < count ? to - 1 : to;
        if (from <= last && syscall(SYS_close_range, from, last, 0U) != 0) { /* before Linux 5.9 */
            for (unsigned fd = from; fd <= last && fd < 1024; fd++)
                close((int)fd);
        }
        from = to + 1;
    }
}

void helper_reap(pid_t *pid, int flags)
{
    pid_t reaped = 0;
    if (*pid == 0)
        return;
    do
        reaped = waitpid(*pid, NULL, (int)__WCLONE | flags);
    while (reaped < 0 && errno == EINTR);
    if (reaped != 0)
        *pid = 0;
}

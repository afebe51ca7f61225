#include "inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAX_CPUS = 8192,            /* the most that a kernel can be built for; those beyond its own are passed over */
    WHO_PROCESS = 1,            /* ioprio_set(2), whose header not every system has */
    NO_IO_PRIORITY = 0,         /* class none, level 0 */
    DEFAULT_SLACK_NS = 50000,   /* PR_SET_TIMERSLACK(2const): what init has, and hence everybody */
};

/* The answer to a call that an unprivileged process may be refused. */
static int unless_denied(long result)
{
    return result >= 0 || errno == EPERM || errno == EACCES ? 0 : errno;
}

/* The same of a call that not every kernel has, or not for this. */
static int unless_denied_or_missing(long result)
{
    return result < 0 && (errno == ENOSYS || errno == EINVAL) ? 0 : unless_denied(result);
}

/*
 * A launcher is protected from the OOM killer, a server perhaps too (OOMScoreAdjust), and must not lend that to
 * jobs. Raising the value is always allowed; lowering it may not be (proc_pid_oom_score_adj(5)), and is no danger.
 */
static int reset_oom_score(const struct sheet *sheet)
{
    (void)sheet;
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    char now[16] = {0};
    int error = 0;
    if (read(fd, now, sizeof now - 1) < 0)
        error = errno;
    else if (now[0] == '-' && pwrite(fd, "0", 1, 0) < 0)
        error = errno;
    else if (now[0] != '-' && now[0] != '0' && pwrite(fd, "0", 1, 0) < 0 && errno != EACCES)
        error = errno;
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

/*
 * sched(7): everybody may leave a real-time policy; SCHED_IDLE only those who might lower their nice value. The call
 * itself, since not every C library has the wrapper.
 */
int inherited_reset_policy(void)
{
    const struct sched_param none = {.sched_priority = 0};
    return unless_denied(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &none));
}

static int reset_policy(const struct sheet *sheet)
{
    (void)sheet;
    return inherited_reset_policy();
}

static int reset_priority(const struct sheet *sheet)
{
    (void)sheet;
    return unless_denied(setpriority(PRIO_PROCESS, 0, 0));
}

/* ioprio_set(2): with none, it follows the nice value. A kernel without block devices has no such call. */
static int reset_io_priority(const struct sheet *sheet)
{
    (void)sheet;
    return unless_denied_or_missing(syscall(SYS_ioprio_set, WHO_PROCESS, 0, NO_IO_PRIORITY));
}

/* sched_setaffinity(2): of these the kernel takes those that the cpuset allows, which go on to bound the job. */
static int reset_affinity(const struct sheet *sheet)
{
    (void)sheet;
    unsigned char all[MAX_CPUS / 8];
    memset(all, 0xff, sizeof all);
    return unless_denied(syscall(SYS_sched_setaffinity, 0, sizeof all, all));
}

/* set_mempolicy(2): that of the system. */
static int reset_memory_policy(const struct sheet *sheet)
{
    (void)sheet;
    int error = unless_denied_or_missing(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL));
    return error != 0 ? error : unless_denied_or_missing(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
}

/* personality(2): execve(2) keeps it, and takes from it whether addresses are random and what uname(2) says. */
static int reset_personality(const struct sheet *sheet)
{
    (void)sheet;
    return unless_denied(syscall(SYS_personality, (unsigned long)PER_LINUX));
}

/*
 * PR_SET_TIMERSLACK(2const): 0 would mean the default of this thread, which is what its creator had at that time: the
 * server's own. After the policy, for under a real-time one the kernel takes none.
 */
static int reset_timer_slack(const struct sheet *sheet)
{
    (void)sheet;
    return unless_denied(prctl(PR_SET_TIMERSLACK, DEFAULT_SLACK_NS, 0, 0, 0));
}

/*
 * session-keyring(7): whoever has it may use what is in it, whatever his user. KEYCTL_JOIN_SESSION_KEYRING(3type).
 * While we are root, whose quota is large, so that it does not count against that of the job's user.
 */
static int leave_keyring(const struct sheet *sheet)
{
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0)
        return 0;
    if (errno == ENOSYS || errno == EPERM)
        return 0; /* no keys in this kernel, or none for us (a container's filter): nor for the job */
    if (errno == EDQUOT && sheet->uid < 0)
        return 0; /* no more of these for our user; the job is the same user, and its keys are its own */
    return errno;
}

static const struct {
    enum step step;
    int (*reset)(const struct sheet *sheet);
} INHERITED[] = {
    {STEP_OOM_SCORE, reset_oom_score},     {STEP_SCHEDULER, reset_policy},     {STEP_PRIORITY, reset_priority},
    {STEP_IO_PRIORITY, reset_io_priority}, {STEP_AFFINITY, reset_affinity},    {STEP_MEMORY, reset_memory_policy},
    {STEP_PERSONALITY, reset_personality}, {STEP_TIMER_SLACK, reset_timer_slack}, {STEP_KEYRING, leave_keyring},
};

int inherited_reset(const struct sheet *sheet, enum step *step)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof INHERITED / sizeof INHERITED[0]; i++) {
        *step = INHERITED[i].step;
        error = INHERITED[i].reset(sheet);
    }
    return error;
}

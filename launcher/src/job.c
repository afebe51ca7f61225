#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute.h"
#include "inherited.h"
#include "init.h"
#include "packet.h"
#include "privilege.h"
#include "seccomp.h"
#include "step.h"

static _Noreturn void fail(int error_fd, const struct step_failure *failure)
{
    /* A packet: whole or not at all (unix(7)). If even this fails, the exit status still tells. */
    ssize_t ignored = write(error_fd, failure, sizeof *failure);
    (void)ignored;
    _exit(127);
}

_Noreturn void job_fail(int error_fd, enum step step, int error)
{
    const struct step_failure failure = {.step = step, .error = error};
    fail(error_fd, &failure);
}

/*
 * The launcher ignores and blocks signals; execve(2) would hand both down. The system call itself,
 * because sigaction(3) refuses the two signals that the C library keeps for its threads (nptl(7)), and
 * those may have been ignored by whoever started the server. All zeroes is SIG_DFL in every layout.
 */
static int reset_signals(void)
{
    const unsigned long zeroes[8] = {0};
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP)
            continue;
        if (syscall(SYS_rt_sigaction, signal, zeroes, NULL, (size_t)8) != 0)
            return errno;
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) != 0 ? errno : 0;
}

static rlim_t lower(rlim_t a, rlim_t b)
{
    return a < b ? a : b; /* RLIM_INFINITY is the largest value */
}

/*
 * core(5): where core_pattern names a program, it gets the memory of whatever crashes although the limit is 0. At 1
 * it is not started, and to a file nothing is written either, for a core is larger (linux/fs/coredump.c).
 */
#define NO_CORE 1

/* Then the job may not leave that limit either: at 0 the program would be started. */
static int goes_without_cores(const struct sheet *sheet)
{
    int without = 0;
    for (size_t i = 0; i < sheet->rlimit_count; i++) {
        if (sheet->rlimits[i].resource == (int)RLIMIT_CORE)
            without = sheet->rlimits[i].value.rlim_cur == 0; /* the last one holds */
    }
    return without;
}

/* A limit is an upper bound: where the server's own is lower already, and cannot be raised, that one holds. */
static int set_rlimits(const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->rlimit_count; i++) {
        const struct rlimit_setting *setting = &sheet->rlimits[i];
        /* getrlimit(2): __rlimit_resource_t is an enum in glibc and an int elsewhere. */
        __rlimit_resource_t resource = (__rlimit_resource_t)setting->resource;
        struct rlimit value = setting->value;
        if (resource == RLIMIT_CORE && value.rlim_cur == 0)
            value = (struct rlimit){NO_CORE, value.rlim_max < NO_CORE ? NO_CORE : value.rlim_max};
        if (setrlimit(resource, &value) == 0)
            continue;
        struct rlimit now;
        if (errno != EPERM || getrlimit(resource, &now) != 0)
            return errno;
        value.rlim_max = lower(value.rlim_max, now.rlim_max);
        value.rlim_cur = lower(value.rlim_cur, value.rlim_max);
        if (setrlimit(resource, &value) != 0)
            return errno;
    }
    return 0;
}

static int take_stdio(const struct job_stdio *stdio)
{
    /* The launcher opened all three above descriptor 2, so that no dup2 can overwrite one still needed. */
    if (dup2(stdio->in, 0) < 0 || dup2(stdio->out, 1) < 0 || dup2(stdio->err, 2) < 0)
        return errno;
    return 0;
}

static int close_others(void)
{
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return 0;
    /* Before Linux 5.11; all descriptors of the launcher are close-on-exec anyway. */
    return errno == ENOSYS || errno == EINVAL ? 0 : errno;
}

static int filter_calls(const struct sheet *sheet, int report_fd)
{
    int listener = -1;
    unsigned kept = goes_without_cores(sheet) ? SECCOMP_KEEP_CORES : 0;
    if (sheet->disk_bytes != 0 && !sheet->disk_in_memory)
        kept |= SECCOMP_KEEP_PROJECT;
    int error = seccomp_refuse_dangerous(kept, &listener);
    if (error == 0)
        error = packet_send(report_fd, &(const char){INIT_LISTENER}, 1, &listener, listener >= 0);
    if (listener >= 0)
        close(listener);
    return error;
}

/*
 * The order, and why:
 *   cgroup     first: nothing of the job may run outside its limits
 *   session    a process group of its own, so that a signal for the job reaches no one else; no terminal
 *   signals    before anything that can block, so that the launcher can end us
 *   death      with the launcher gone nobody would record how the job ended
 *   inherited  what the server was given for itself is not the job's: OOM score, policy, nice value, I/O priority,
 *              CPUs, memory policy, personality, timer slack, keyring (inherited.c); of an isolated job its init has
 *              done that, so that init has nothing of it either
 *   rlimits    after everything that needs more than they allow
 *   bounding   needs a capability that the change of user takes away
 *   user       groups first: afterwards we may not
 *   death      once more: the kernel forgets it when the user changes
 *   capabilities   what the user's change left, if the user is root
 *   no_new_privs   of every job: it cannot be taken back, and so is the only value that a server cannot hand down
 *   chdir      as the job, so that its own permissions count
 *   stdio      last use of the launcher's descriptors
 *   close      nothing of the launcher survives into the job
 *   seccomp    last: the steps before use what it refuses
 *   go         the launcher lets nobody else hold what is the job's now, and puts the CPU quota back (cgroup.h)
 */
_Noreturn void job_exec(const struct sheet *sheet, const struct job_stdio *stdio, int join_error, int error_fd,
                        int report_fd)
{
    int error = join_error;
    if (error != 0)
        job_fail(error_fd, STEP_CGROUP, error);
    if (setsid() < 0)
        job_fail(error_fd, STEP_SESSION, errno);
    if ((error = reset_signals()) != 0)
        job_fail(error_fd, STEP_SIGNALS, error);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) /* PR_SET_PDEATHSIG(2const) */
        job_fail(error_fd, STEP_SIGNALS, errno);
    enum step step;
    if (!sheet->isolate && (error = inherited_reset(sheet, &step)) != 0)
        job_fail(error_fd, step, error);
    umask(077);
    if ((error = set_rlimits(sheet)) != 0)
        job_fail(error_fd, STEP_RLIMIT, error);
    if (sheet->uid >= 0 || sheet->isolate) {
        if ((error = privilege_drop_bounding_set()) != 0)
            job_fail(error_fd, STEP_CAPABILITIES, error);
        if (sheet->uid >= 0 && (error = privilege_become((uid_t)sheet->uid, (gid_t)sheet->gid)) != 0)
            job_fail(error_fd, STEP_USER, error);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            job_fail(error_fd, STEP_SIGNALS, errno);
        if ((error = privilege_drop_capabilities()) != 0)
            job_fail(error_fd, STEP_CAPABILITIES, error);
    }
    if ((error = privilege_gain_none()) != 0)
        job_fail(error_fd, STEP_CAPABILITIES, error);
    if (chdir(sheet->cwd) != 0)
        job_fail(error_fd, STEP_CHDIR, errno);
    if ((error = take_stdio(stdio)) != 0)
        job_fail(error_fd, STEP_STDIO, error);
    if ((error = close_others()) != 0)
        job_fail(error_fd, STEP_CLOSE, error);
    if (sheet->seccomp && (error = filter_calls(sheet, report_fd)) != 0)
        job_fail(error_fd, STEP_SECCOMP, error);
    const struct step_failure reached = {.step = STEP_EXEC};
    char go;
    if (write(error_fd, &reached, sizeof reached) != (ssize_t)sizeof reached || read(error_fd, &go, 1) != 1)
        _exit(127);
    struct step_failure failure;
    execute(sheet, &failure);
    fail(error_fd, &failure);
}

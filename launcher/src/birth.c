#include "birth.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "init.h"
#include "mark.h"
#include "packet.h"
#include "streams.h"

struct launch {
    const struct sheet *sheet;
    int cgroup;
    struct cgroup_quota quota; /* lifted until the child stands before its execve */
    struct job_stdio *stdio;
    struct job_process *job;
};

/* A packet socket whose first end tells who has sent what it receives. 0 or errno. */
static int make_report_socket(int pair[2])
{
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ? errno : 0;
}

/* our_end stays the monitor's alone: who waits for its word learns of its death by that. */
static pid_t clone_job(const struct sheet *sheet, int cgroup, const struct job_stdio *stdio, struct job_process *job,
                       int error_fd, int our_end)
{
    int join_error = 0;
    if (!sheet->isolate) {
        pid_t pid = cgroup_fork(cgroup, 0, &join_error);
        if (pid == 0) {
            close(our_end);
            job_exec(sheet, stdio, join_error, error_fd, -1);
        }
        return pid;
    }
    int pair[2];
    if ((errno = make_report_socket(pair)) != 0)
        return -1;
    unsigned long long namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    if (sheet->no_network)
        namespaces |= CLONE_NEWNET;
    pid_t pid = cgroup_fork(cgroup, namespaces, &join_error);
    if (pid == 0) {
        close(our_end);
        init_run(sheet, stdio, join_error, error_fd, pair[1]);
    }
    int error = errno;
    close(pair[1]);
    job->init = pair[0];
    job->init_pid = pid > 0 ? pid : 0;
    errno = error;
    return pid;
}

/* Who the main process is, and that init has let go of what it was only to pass on. 0 or errno. */
static int meet_init(const struct sheet *sheet, struct job_process *job)
{
    int ready = 0;
    int met = !sheet->seccomp;
    while (!ready || !met || job->main_pid == 0) {
        pid_t sender = 0;
        switch (packet_receive(job->init, &sender, &job->listener)) {
        case INIT_MAIN:
            job->main_pid = sender;
            break;
        case INIT_LISTENER:
            met = 1;
            break;
        case INIT_READY:
            ready = 1;
            break;
        default:
            return ECANCELED;
        }
    }
    return 0;
}

/*
 * The child stands before its execve: bounds its CPU, makes the mark, and lets it go on. 0 or errno, and then it never
 * will; failure->step says at what.
 */
static int let_go(const struct launch *launch, int error_fd, struct step_failure *failure, int *marked)
{
    int error = launch->job->init_pid != 0 ? meet_init(launch->sheet, launch->job) : 0;
    streams_close(launch->stdio);
    *launch->stdio = (struct job_stdio){-1, -1, -1};
    if (error != 0)
        return error;
    failure->step = STEP_CGROUP;
    if ((error = cgroup_restore_quota(launch->cgroup, &launch->quota)) != 0)
        return error;
    failure->step = STEP_MARK;
    if ((error = mark_make(launch->sheet, marked)) != 0)
        return error;
    failure->step = STEP_EXEC;
    return packet_send(error_fd, "", 1, NULL, 0);
}

/* What the child has to report until it executes the program, and there is nobody left who could report. */
static void follow(const struct launch *launch, int error_fd, struct step_failure *failure, int *marked)
{
    struct step_failure reported;
    for (;;) {
        ssize_t n = read(error_fd, &reported, sizeof reported);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof reported)
            return;
        *failure = reported;
        if (reported.step != STEP_EXEC || reported.error != 0)
            continue;
        failure->error = let_go(launch, error_fd, failure, marked);
        if (failure->error != 0)
            return; /* the child waits for a word that will not come */
    }
}

int birth(const struct sheet *sheet, int cgroup, struct job_stdio *stdio, struct job_process *job,
          struct step_failure *failure)
{
    struct launch launch = {.sheet = sheet, .cgroup = cgroup, .stdio = stdio, .job = job};
    int pair[2];
    int marked = 0;
    *failure = (struct step_failure){.step = STEP_CGROUP};
    if ((failure->error = cgroup_lift_quota(cgroup, &launch.quota)) != 0)
        return failure->error;
    failure->step = STEP_CLONE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return failure->error = errno;
    clock_gettime(CLOCK_REALTIME, &job->started_at);
    pid_t pid = clone_job(sheet, cgroup, stdio, job, pair[1], pair[0]);
    failure->error = pid < 0 ? errno : 0;
    close(pair[1]);
    if (pid > 0) {
        failure->error = ECANCELED;
        if (job->init_pid == 0)
            job->main_pid = pid;
        follow(&launch, pair[0], failure, &marked);
    }
    close(pair[0]);
    if (failure->error == 0)
        return 0;
    if (pid > 0)
        kill(pid, SIGKILL); /* it, or its init, may wait; what it had to say is heard */
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (marked)
        mark_revoke(failure); /* now that nobody is left who could execute it */
    return failure->error;
}

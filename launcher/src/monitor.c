#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "control.h"
#include "init.h"
#include "job.h"
#include "record.h"
#include "seccomp.h"
#include "step.h"
#include "tree.h"

enum { NO_DEADLINE = -1 };

struct monitor {
    const struct sheet *sheet;
    struct control control;
    int cgroup;       /* -1: the job has none */
    int child_signal; /* signalfd for SIGCHLD */
    int listener;     /* tells of refused system calls; -1: nothing does */
    int init;         /* packet socket to the job's init; -1: the job is our own child */
    pid_t main_pid;
    pid_t init_pid; /* 0: none */
    int main_reaped;
    int tree_empty;
    int softly;             /* a signal was sent with a grace: the tree may take it to leave */
    int killing;            /* SIGKILL was sent to the tree; nothing is waited for but its death */
    int64_t kill_at_ms;     /* CLOCK_MONOTONIC, or NO_DEADLINE */
    int64_t time_out_at_ms; /* CLOCK_MONOTONIC, or NO_DEADLINE */
    struct exit_record record;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- before the job ------------------------------------------------------------------------- */

static int leave_server(void)
{
    if (setsid() < 0)
        return errno;
    umask(077);
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        if (sigaction(ignored[i], &ignore, NULL) != 0)
            return errno;
    }
    return prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ? errno : 0;
}

static int watch_children(struct monitor *monitor)
{
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) /* ignored, it would have children vanish unreaped */
        return errno;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return errno;
    monitor->child_signal = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return monitor->child_signal < 0 ? errno : 0;
}

/*
 * fcntl_locking(2): a record lock belongs to the process, is not inherited by fork and goes with it;
 * F_GETLK names its holder. So "is this launcher alive" needs no stored PID.
 */
static int take_life_lock(void)
{
    int fd = open("life", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_SETLK, &lock) != 0 ? errno : 0;
}

/*
 * Makes one FIFO and opens it read-write, so that the job sees neither EPIPE nor a full stop while no
 * server reads (fifo(7)). The descriptor for the job itself is opened for writing only.
 */
static int open_fifo(const struct sheet *sheet, const char *name, int *held, int *for_job)
{
    if (mkfifo(name, 0600) != 0)
        return errno;
    /* A job opens /dev/stdout anew, for writing; it stays root's, and so cannot be opened for reading. */
    if (sheet->gid >= 0 && (chown(name, (uid_t)-1, (gid_t)sheet->gid) != 0 || chmod(name, 0620) != 0))
        return errno;
    *held = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (*held < 0)
        return errno;
    /* fcntl(2): F_SETPIPE_SZ is refused beyond the user's budget; then the default has to do. */
    for (int size = 1024 * 1024; size > 64 * 1024 && fcntl(*held, F_SETPIPE_SZ, size) < 0; size /= 2)
        continue;
    *for_job = open(name, O_WRONLY | O_CLOEXEC);
    return *for_job < 0 ? errno : 0;
}

static int open_stdio(const struct sheet *sheet, struct job_stdio *stdio, enum step *step)
{
    int held = -1;
    *step = STEP_FIFO;
    int error = open_fifo(sheet, "stdout", &held, &stdio->out);
    if (error != 0)
        return error;
    stdio->err = stdio->out;
    if (!sheet->merge && (error = open_fifo(sheet, "stderr", &held, &stdio->err)) != 0)
        return error;
    *step = STEP_STDIN;
    stdio->in = open(sheet->stdin_path, O_RDONLY | O_CLOEXEC);
    if (stdio->in < 0)
        return errno;
    /* Like the FIFOs: a job may open /dev/stdin anew. */
    struct stat st;
    if (sheet->gid < 0 || fstat(stdio->in, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    return fchown(stdio->in, (uid_t)-1, (gid_t)sheet->gid) != 0 || fchmod(stdio->in, 0640) != 0 ? errno : 0;
}

/* --- the job's birth ------------------------------------------------------------------------ */

/*
 * One byte from the main process before its execve: who it is, as we see it (the sender's PID), and with the
 * second one the descriptor on which the kernel tells of refused calls.
 */
static pid_t receive_from_main(int fd, int *listener)
{
    char byte;
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
        return 0;
    struct ucred sender = {0, 0, 0};
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
            memcpy(&sender, CMSG_DATA(header), sizeof sender);
        else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            memcpy(listener, CMSG_DATA(header), sizeof *listener);
    }
    return sender.pid;
}

/* A packet socket whose first end tells who has sent what it receives. 0 or errno. */
static int make_report_socket(int pair[2])
{
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    return setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ? errno : 0;
}

static pid_t clone_job(struct monitor *monitor, const struct job_stdio *stdio, int error_fd)
{
    const struct sheet *sheet = monitor->sheet;
    int join_error = 0;
    if (!sheet->isolate) {
        pid_t pid = cgroup_fork(monitor->cgroup, 0, &join_error);
        if (pid == 0)
            job_exec(sheet, stdio, join_error, error_fd, -1);
        return pid;
    }
    int pair[2];
    if ((errno = make_report_socket(pair)) != 0)
        return -1;
    unsigned long long namespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
    if (sheet->no_network)
        namespaces |= CLONE_NEWNET;
    pid_t pid = cgroup_fork(monitor->cgroup, namespaces, &join_error);
    if (pid == 0)
        init_run(sheet, stdio, join_error, error_fd, pair[1]);
    int error = errno;
    close(pair[1]);
    monitor->init = pair[0];
    monitor->init_pid = pid > 0 ? pid : 0;
    errno = error;
    return pid;
}

static int spawn_job(struct monitor *monitor, const struct job_stdio *stdio, struct step_failure *failure)
{
    int error_pipe[2];
    *failure = (struct step_failure){STEP_CLONE, 0};
    if (pipe2(error_pipe, O_CLOEXEC) != 0)
        return failure->error = errno;
    clock_gettime(CLOCK_REALTIME, &monitor->record.started_at);
    pid_t pid = clone_job(monitor, stdio, error_pipe[1]);
    failure->error = pid < 0 ? errno : 0;
    close(error_pipe[1]);
    if (pid > 0) {
        failure->error = ECANCELED;
        struct step_failure reported;
        ssize_t n;
        while ((n = read(error_pipe[0], &reported, sizeof reported)) != 0) {
            if (n == (ssize_t)sizeof reported)
                *failure = reported;
            else if (n > 0 || errno != EINTR)
                break;
        }
        monitor->main_pid = monitor->init_pid == 0 ? pid : receive_from_main(monitor->init, &monitor->listener);
        if (monitor->init_pid != 0 && monitor->sheet->seccomp)
            (void)receive_from_main(monitor->init, &monitor->listener);
        monitor->record.main_pid = monitor->main_pid;
    }
    close(error_pipe[0]);
    if (failure->error == 0)
        return 0;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return failure->error;
}

static void start_failed(struct monitor *monitor, enum step step, int error)
{
    control_send(&monitor->control, "1 failed %s %d", step_name(step), error);
}

static int start(struct monitor *monitor, int join_error)
{
    const struct sheet *sheet = monitor->sheet;
    struct job_stdio stdio = {-1, -1, -1};
    enum step step = STEP_MONITOR;
    int error = join_error;
    if (error == 0)
        error = leave_server();
    if (error == 0)
        error = watch_children(monitor);
    if (error == 0 && chdir(sheet->dir) != 0)
        error = errno;
    if (error == 0) {
        step = STEP_LIFE_LOCK;
        error = take_life_lock();
    }
    if (error == 0) {
        step = STEP_CONTROL;
        error = control_listen(&monitor->control);
    }
    if (error == 0)
        error = open_stdio(sheet, &stdio, &step);
    if (error == 0 && sheet->cgroup != NULL) {
        step = STEP_CGROUP;
        monitor->cgroup = cgroup_open(sheet->cgroup);
        error = monitor->cgroup < 0 ? errno : 0;
    }
    if (error != 0) {
        start_failed(monitor, step, error);
        return error;
    }
    struct step_failure failure;
    error = spawn_job(monitor, &stdio, &failure);
    if (error != 0) {
        start_failed(monitor, failure.step, failure.error);
        return error;
    }
    /* The job holds its own now; ours would keep its output from ever ending. The held ones stay. */
    close(stdio.in);
    close(stdio.out);
    if (stdio.err != stdio.out)
        close(stdio.err);
    if (sheet->timeout_ms > 0)
        monitor->time_out_at_ms = now_ms() + sheet->timeout_ms;
    control_send(&monitor->control, "1 started %ld", (long)monitor->main_pid);
    return 0;
}

/* --- the job's life ------------------------------------------------------------------------- */

static void kill_tree(struct monitor *monitor)
{
    monitor->killing = 1;
    monitor->kill_at_ms = NO_DEADLINE;
    monitor->time_out_at_ms = NO_DEADLINE;
    tree_kill(monitor->cgroup);
}

static void end_job(struct monitor *monitor, enum cause cause, int signal, int64_t grace_ms)
{
    if (monitor->killing || monitor->tree_empty)
        return;
    if (!monitor->main_reaped && monitor->record.cause == CAUSE_NONE)
        monitor->record.cause = cause;
    monitor->time_out_at_ms = NO_DEADLINE;
    if (grace_ms == 0 || signal == SIGKILL) {
        kill_tree(monitor);
        return;
    }
    int64_t kill_at = now_ms() + grace_ms;
    if (monitor->kill_at_ms == NO_DEADLINE || kill_at < monitor->kill_at_ms)
        monitor->kill_at_ms = kill_at; /* a second stop may shorten a grace, never lengthen it */
    monitor->softly = 1;
    if (monitor->main_reaped)
        return;
    if (monitor->init_pid != 0) {
        const struct init_command command = {.signal = signal};
        if (monitor->init >= 0)
            (void)send(monitor->init, &command, sizeof command, MSG_NOSIGNAL); /* gone: so is the job */
        return;
    }
    kill(-monitor->main_pid, signal); /* the main process's whole group, which it leads */
    kill(-monitor->main_pid, SIGCONT); /* a stopped process would not see it */
}

static void main_ended(struct monitor *monitor, int status, const struct rusage *usage)
{
    if (monitor->main_reaped)
        return;
    monitor->main_reaped = 1;
    monitor->record.wait_status = status;
    monitor->record.usage = *usage;
    clock_gettime(CLOCK_REALTIME, &monitor->record.ended_at);
    /* It went by itself before the only thing we sent, a SIGKILL, could reach it. */
    if (WIFEXITED(status) && !monitor->softly)
        monitor->record.cause = CAUSE_NONE;
}

static void take_report(struct monitor *monitor)
{
    struct init_report report;
    if (monitor->init < 0)
        return;
    ssize_t n = recv(monitor->init, &report, sizeof report, MSG_DONTWAIT);
    if (n == (ssize_t)sizeof report)
        main_ended(monitor, report.wait_status, &report.usage);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(monitor->init); /* it is dying; its death will be told by a signal */
        monitor->init = -1;
    }
}

static void reap(struct monitor *monitor)
{
    take_report(monitor);
    for (;;) {
        int status = 0;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0 && errno == ECHILD)
            monitor->tree_empty = 1;
        if (pid <= 0)
            return;
        if (pid == monitor->init_pid)
            take_report(monitor); /* its last word, if it had one; else its own end was the main process's */
        if (pid == monitor->init_pid || pid == monitor->main_pid)
            main_ended(monitor, status, &usage);
    }
}

static void obey(struct monitor *monitor, struct control_message message)
{
    if (message.verb == CONTROL_STOP)
        end_job(monitor, CAUSE_STOP, message.signal, message.grace_ms);
}

static int poll_timeout(const struct monitor *monitor)
{
    int64_t at = monitor->kill_at_ms;
    if (at == NO_DEADLINE || (monitor->time_out_at_ms != NO_DEADLINE && monitor->time_out_at_ms < at))
        at = monitor->time_out_at_ms;
    if (at == NO_DEADLINE)
        return -1;
    int64_t left = at - now_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Answers a call that the job's filter holds back, and says so the first time. */
static void refuse(struct monitor *monitor, short events)
{
    if ((events & POLLIN) == 0) { /* nobody is left under the filter */
        close(monitor->listener);
        monitor->listener = -1;
        return;
    }
    const char *call = seccomp_refuse_waiting(monitor->listener);
    if (call == NULL || monitor->record.refused_call != NULL)
        return;
    monitor->record.refused_call = call;
    control_send(&monitor->control, "1 refused %s", call);
}

/* Waits for a child's death, a message, a new server or timeout_ms (-1: none); whatever comes first. */
static void wait_for_event(struct monitor *monitor, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = monitor->child_signal, .events = POLLIN},
        {.fd = monitor->control.listener, .events = POLLIN},
        {.fd = monitor->control.peer, .events = POLLIN}, /* poll(2) passes over a negative one */
        {.fd = monitor->main_reaped ? -1 : monitor->init, .events = POLLIN},
        {.fd = monitor->listener, .events = POLLIN},
    };
    if (poll(fds, sizeof fds / sizeof fds[0], timeout_ms) <= 0)
        return;
    struct signalfd_siginfo info;
    while (read(monitor->child_signal, &info, sizeof info) > 0)
        continue;
    if (fds[4].revents != 0)
        refuse(monitor, fds[4].revents);
}

/*
 * Until the tree is empty. The job has ended when its main process has: what is left of its tree is
 * killed, at once, or at the end of the grace when there is one.
 */
static void supervise(struct monitor *monitor)
{
    for (;;) {
        /* Deaths come before messages: whoever has ended already was not ended by a stop. */
        struct control_message message;
        reap(monitor);
        while ((message = control_receive(&monitor->control)).verb != CONTROL_NONE)
            obey(monitor, message);
        if (monitor->tree_empty)
            return;
        if (monitor->killing) {
            /* Again: a death may have made its children ours. Each such death is an event, so no timer. */
            tree_kill(monitor->cgroup);
        } else if (monitor->main_reaped && monitor->kill_at_ms == NO_DEADLINE) {
            kill_tree(monitor);
        } else if (monitor->kill_at_ms != NO_DEADLINE && now_ms() >= monitor->kill_at_ms) {
            kill_tree(monitor);
        } else if (monitor->time_out_at_ms != NO_DEADLINE && now_ms() >= monitor->time_out_at_ms) {
            end_job(monitor, CAUSE_TIMEOUT, SIGTERM, monitor->sheet->timeout_grace_ms);
        }
        wait_for_event(monitor, poll_timeout(monitor));
        if (control_accept(&monitor->control))
            control_send(&monitor->control, "1 started %ld", (long)monitor->main_pid);
    }
}

/* The output may still be in the pipes, and they last as long as we do: stay until it is collected. */
static void await_collection(struct monitor *monitor)
{
    control_send(&monitor->control, "1 ended");
    for (;;) {
        struct control_message message;
        while ((message = control_receive(&monitor->control)).verb != CONTROL_NONE) {
            if (message.verb == CONTROL_COLLECTED)
                return;
        }
        wait_for_event(monitor, -1);
        if (control_accept(&monitor->control))
            control_send(&monitor->control, "1 ended");
    }
}

int monitor_run(const struct sheet *sheet, int control_fd, int join_error)
{
    struct monitor monitor = {
        .sheet = sheet,
        .control = {.listener = -1, .peer = control_fd},
        .cgroup = -1,
        .child_signal = -1,
        .listener = -1,
        .init = -1,
        .kill_at_ms = NO_DEADLINE,
        .time_out_at_ms = NO_DEADLINE,
    };
    control_send(&monitor.control, "1 hello %ld", (long)getpid());
    if (start(&monitor, join_error) != 0)
        return 1;
    supervise(&monitor);
    /*
     * A full disk must not cost an exit status: the record is tried again whenever something happens,
     * and the server asks when it has made room.
     */
    if (!monitor.main_reaped)
        return 1; /* better no record than a false one */
    while (record_write(&monitor.record) != 0) {
        struct stat here;
        if (stat(".", &here) == 0 && here.st_nlink == 0)
            return 1; /* the job's directory was removed: nobody will ask */
        wait_for_event(&monitor, 1000);
        control_accept(&monitor.control);
        while (control_receive(&monitor.control).verb != CONTROL_NONE)
            continue;
    }
    await_collection(&monitor);
    return 0;
}

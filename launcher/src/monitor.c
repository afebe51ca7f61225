#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "birth.h"
#include "capture.h"
#include "cgroup.h"
#include "control.h"
#include "feeder.h"
#include "init.h"
#include "job.h"
#include "log.h"
#include "mark.h"
#include "page.h"
#include "record.h"
#include "seccomp.h"
#include "step.h"
#include "streams.h"
#include "tree.h"

enum {
    NO_DEADLINE = -1,
    DRAIN_PATIENCE_MS = 5000,  /* for capture, when the tree is dead: a stranger may hold the pipe */
    RECORD_RETRY_MS = 1000,
    TOLD_PATIENCE_MS = 5000,   /* for figures that cannot be read: the end of a job does not wait for them longer */
    TURN_MESSAGES = 64,        /* of the server's, between two looks at everything else */
};

struct monitor {
    struct sheet *sheet;
    struct control control;
    struct capture capture;
    struct feeder feeder; /* none, unless the job's stdin is a stream */
    struct log log; /* capture's, once that has been started */
    struct page *page;
    int page_fd;
    int wake_fd; /* eventfd that capture writes to and the server waits for */
    int life;    /* the life lock's file */
    int cgroup;  /* -1: the job has none */
    int signals; /* signalfd for SIGCHLD, and SIGIO when something happens in the job's directory */
    struct job_process job;
    int main_reaped;
    int tree_empty;
    int softly;             /* a signal was sent with a grace: the tree may take it to leave */
    int killing;            /* SIGKILL was sent to the tree; nothing is waited for but its death */
    int64_t kill_at_ms;     /* CLOCK_MONOTONIC, or NO_DEADLINE */
    int64_t time_out_at_ms; /* likewise */
    int64_t stall_at_ms;    /* likewise: then the readers' mark of a server that is away holds nobody any more */
    int64_t drained_by_ms;  /* likewise */
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

/* Whoever else must go for want of memory: this process knows how the job ended. As root; else as it is. */
static void ask_to_be_spared(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t ignored = write(fd, "-1000", 5); /* proc_pid_oom_score_adj(5): EACCES without CAP_SYS_RESOURCE */
    (void)ignored;
    close(fd);
}

static int watch_signals(struct monitor *monitor)
{
    if (signal(SIGCHLD, SIG_DFL) == SIG_ERR) /* ignored, it would have children vanish unreaped */
        return errno;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGIO);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return errno;
    monitor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return monitor->signals < 0 ? errno : 0;
}

/*
 * fcntl_locking(2): a record lock belongs to the process, is not inherited by fork and goes with it;
 * F_GETLK names its holder. So "is this launcher alive" needs no stored PID.
 */
static int take_life_lock(struct monitor *monitor)
{
    monitor->life = open("life", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (monitor->life < 0)
        return errno;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(monitor->life, F_SETLK, &lock) != 0 ? errno : 0;
}

/*
 * fcntl(2), F_NOTIFY: SIGIO when a file of the job's directory is removed, the life lock's among them. Not
 * inotify(7), of which a user has 128 instances and root may have thousands of jobs. A kernel without it leaves
 * a launcher alone with a directory that nobody will ever look into again; that is no reason not to start.
 */
static void watch_directory(void)
{
    int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fcntl(fd, F_NOTIFY, DN_DELETE | DN_MULTISHOT);
}

/*
 * Removed, or moved away, so that its name leads to nothing or to another one. A move tells nobody who is inside
 * but by inotify; so it is seen when something else happens, at the job's end at the latest. What cannot be looked
 * at (EACCES, ESTALE) is not gone.
 */
static int is_directory_gone(const struct monitor *monitor)
{
    struct stat life;
    if (fstat(monitor->life, &life) == 0 && life.st_nlink == 0)
        return 1;
    return mark_is_moved(monitor->sheet->dir);
}

/* What the server reads of the job's output, before there is any. 0 or errno, and then *step says at what. */
static int open_log(struct monitor *monitor, enum step *step)
{
    const struct sheet *sheet = monitor->sheet;
    *step = STEP_PAGE;
    monitor->page_fd = page_create(&monitor->page);
    monitor->wake_fd = monitor->page_fd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (monitor->wake_fd < 0)
        return errno;
    *step = STEP_LOG;
    return log_open(&monitor->log, (uint64_t)sheet->retain_bytes, sheet->block, monitor->page);
}

static int prepare(struct monitor *monitor, struct job_stdio *stdio, enum step *step)
{
    const struct sheet *sheet = monitor->sheet;
    struct capture_pipes pipes = {-1, -1};
    int feed = -1;
    *step = STEP_MONITOR;
    int error = leave_server();
    if (error == 0)
        error = watch_signals(monitor);
    if (error == 0 && chdir(sheet->dir) != 0)
        error = errno;
    if (error == 0)
        error = mark_check_attempt(sheet);
    if (error != 0)
        return error;
    ask_to_be_spared();
    *step = STEP_LIFE_LOCK;
    if ((error = take_life_lock(monitor)) != 0)
        return error;
    watch_directory();
    *step = STEP_CONTROL;
    if ((error = control_listen(&monitor->control)) != 0)
        return error;
    if (sheet->cgroup != NULL) {
        *step = STEP_CGROUP;
        monitor->cgroup = cgroup_open(sheet->cgroup);
        if (monitor->cgroup < 0)
            return errno;
    }
    *step = STEP_ACCOUNT;
    if ((error = account_find(monitor->sheet)) != 0)
        return error;
    if ((error = open_log(monitor, step)) != 0)
        return error;
    control_send_output(&monitor->control, monitor->page_fd, monitor->wake_fd);
    if ((error = streams_open(sheet, stdio, &pipes, &feed, step)) != 0)
        return error;
    *step = STEP_CAPTURE;
    error = capture_start(&monitor->capture, &pipes, &monitor->log, monitor->wake_fd);
    if (error != 0 || feed < 0)
        return error;
    *step = STEP_STDIN;
    return feeder_start(&monitor->feeder, feed);
}

static int start(struct monitor *monitor, int join_error)
{
    struct job_stdio stdio = {-1, -1, -1};
    struct step_failure failure = {.step = STEP_MONITOR, .error = join_error};
    if (failure.error == 0)
        failure.error = prepare(monitor, &stdio, &failure.step);
    if (failure.error == 0)
        (void)birth(monitor->sheet, monitor->cgroup, &stdio, &monitor->job, &failure);
    if (failure.error != 0) {
        control_send(&monitor->control, "2 failed %s %d%s%s", step_name(failure.step), failure.error,
                     failure.subject[0] != '\0' ? " " : "", failure.subject);
        return failure.error;
    }
    monitor->record.main_pid = monitor->job.main_pid;
    monitor->record.started_at = monitor->job.started_at;
    if (monitor->sheet->timeout_ms > 0)
        monitor->time_out_at_ms = now_ms() + monitor->sheet->timeout_ms;
    control_send(&monitor->control, "2 started %ld", (long)monitor->job.main_pid);
    record_reserve(); /* nobody waits for that */
    return 0;
}

/* --- the job's life ------------------------------------------------------------------------- */

static void kill_again(struct monitor *monitor)
{
    const struct tree_spared spared = {monitor->capture.pid, monitor->feeder.pid};
    tree_kill(monitor->cgroup, monitor->job.init_pid, &spared);
}

static void kill_tree(struct monitor *monitor)
{
    monitor->killing = 1;
    monitor->kill_at_ms = NO_DEADLINE;
    monitor->time_out_at_ms = NO_DEADLINE;
    kill_again(monitor);
}

/* To the main process's whole group, which it leads; with resume, a stopped process sees it too. */
static void signal_job(struct monitor *monitor, int signal, int resume)
{
    if (monitor->main_reaped)
        return;
    if (monitor->sheet->isolate) {
        const struct init_command command = {.signal = signal, .resume = resume};
        if (monitor->job.init >= 0)
            /* Gone: so is the job. Full: init is starved by the job, and nobody waits for it; a grace still ends. */
            (void)send(monitor->job.init, &command, sizeof command, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    kill(-monitor->job.main_pid, signal);
    if (resume)
        kill(-monitor->job.main_pid, SIGCONT);
}

static void end_job(struct monitor *monitor, enum cause cause, int signal, int64_t grace_ms)
{
    if (monitor->killing || monitor->tree_empty)
        return;
    if (!monitor->main_reaped && monitor->record.cause == CAUSE_NONE)
        monitor->record.cause = cause;
    if (grace_ms == 0 || signal == SIGKILL) {
        kill_tree(monitor);
        return;
    }
    int64_t kill_at = now_ms() + grace_ms;
    if (monitor->kill_at_ms == NO_DEADLINE || kill_at < monitor->kill_at_ms)
        monitor->kill_at_ms = kill_at; /* another stop, or the time-out, may shorten a grace, never lengthen it */
    monitor->softly = 1;
    signal_job(monitor, signal, 1);
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
    if (monitor->job.init < 0)
        return;
    ssize_t n = recv(monitor->job.init, &report, sizeof report, MSG_DONTWAIT);
    if (n == (ssize_t)sizeof report)
        main_ended(monitor, report.wait_status, &report.usage);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(monitor->job.init); /* it is dying; its death will be told by a signal */
        monitor->job.init = -1;
    }
}

/* wait(2) without __WALL passes over capture and the feeder, which are none of the job's. */
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
        int is_init = monitor->sheet->isolate && pid == monitor->job.init_pid;
        if (is_init)
            take_report(monitor); /* its last word, if it had one; else its own end was the main process's */
        if (is_init || (!monitor->sheet->isolate && pid == monitor->job.main_pid))
            main_ended(monitor, status, &usage);
        if (is_init)
            monitor->job.init_pid = 0;
    }
}

static void connect_input(struct monitor *monitor)
{
    int fd = feeder_connect(&monitor->feeder);
    control_send_input(&monitor->control, fd);
    if (fd >= 0)
        close(fd);
}

/* A turn: whoever sends without end keeps no deadline from being met. */
static void obey(struct monitor *monitor)
{
    struct control_message message;
    for (int i = 0; i < TURN_MESSAGES && (message = control_receive(&monitor->control)).verb != CONTROL_NONE; i++) {
        switch (message.verb) {
        case CONTROL_STOP:
            end_job(monitor, CAUSE_STOP, message.signal, message.grace_ms);
            break;
        case CONTROL_SIGNAL:
            signal_job(monitor, message.signal, 0);
            break;
        case CONTROL_LOOK:
            capture_look(&monitor->capture);
            break;
        case CONTROL_INPUT:
            connect_input(monitor);
            break;
        case CONTROL_NONE:
            break;
        }
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == NO_DEADLINE ? b : b == NO_DEADLINE || a < b ? a : b;
}

static int poll_timeout(const struct monitor *monitor)
{
    int64_t at = earlier(earlier(monitor->kill_at_ms, monitor->time_out_at_ms),
                         earlier(monitor->stall_at_ms, monitor->drained_by_ms));
    if (at == NO_DEADLINE)
        return -1;
    int64_t left = at - now_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int is_over(int64_t deadline_ms)
{
    return deadline_ms != NO_DEADLINE && now_ms() >= deadline_ms;
}

/* Answers a call that the job's filter holds back, and says so the first time. */
static void refuse(struct monitor *monitor, short events)
{
    if ((events & POLLIN) == 0) { /* nobody is left under the filter */
        close(monitor->job.listener);
        monitor->job.listener = -1;
        return;
    }
    const char *call = seccomp_refuse_waiting(monitor->job.listener);
    if (call == NULL || monitor->record.refused_call != NULL)
        return;
    monitor->record.refused_call = call;
    control_send(&monitor->control, "2 refused %s", call);
}

/* What the one before has said is heard first: it may have died meanwhile. */
static void meet_server(struct monitor *monitor)
{
    obey(monitor);
    if (!control_accept(&monitor->control))
        return;
    control_send(&monitor->control, "2 hello %ld", (long)getpid());
    control_send_output(&monitor->control, monitor->page_fd, monitor->wake_fd);
    control_send(&monitor->control, "2 started %ld", (long)monitor->job.main_pid);
}

/*
 * A server that is away moves no mark. The last one holds until it is back, but for so long at most as it would
 * bear with a reader that takes nothing.
 */
static void watch_server(struct monitor *monitor)
{
    if (!monitor->sheet->block || monitor->sheet->stall_ms == 0)
        return;
    if (monitor->control.peer >= 0) {
        monitor->stall_at_ms = NO_DEADLINE;
    } else if (monitor->stall_at_ms == NO_DEADLINE) {
        monitor->stall_at_ms = now_ms() + monitor->sheet->stall_ms;
    } else if (is_over(monitor->stall_at_ms)) {
        atomic_store(&monitor->page->mark, PAGE_NO_MARK);
        capture_look(&monitor->capture);
        monitor->stall_at_ms = INT64_MAX; /* until one has come */
    }
}

/* Waits for a child's death, a message, a new server, a helper or timeout_ms (-1: none); whatever comes first. */
static void wait_for_event(struct monitor *monitor, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = monitor->signals, .events = POLLIN},
        {.fd = monitor->control.listener, .events = POLLIN},
        {.fd = monitor->control.peer, .events = POLLIN}, /* poll(2) passes over a negative one */
        {.fd = monitor->main_reaped ? -1 : monitor->job.init, .events = POLLIN},
        {.fd = monitor->capture.socket, .events = POLLIN},
        {.fd = monitor->job.listener, .events = POLLIN},
        {.fd = monitor->feeder.socket, .events = POLLIN},
    };
    if (poll(fds, sizeof fds / sizeof fds[0], timeout_ms) <= 0)
        return;
    struct signalfd_siginfo info;
    while (read(monitor->signals, &info, sizeof info) > 0)
        continue;
    if (fds[5].revents != 0)
        refuse(monitor, fds[5].revents);
}

/* Neither leaves by itself: something has killed it, and the job's pipes with it. */
static void watch_helpers(struct monitor *monitor)
{
    struct capture_report report;
    (void)capture_receive(&monitor->capture, &report);
    (void)feeder_has_left(&monitor->feeder);
}

/*
 * Until the tree is empty. The job has ended when its main process has: what is left of its tree is
 * killed, at once, or at the end of the grace when there is one.
 */
static void supervise(struct monitor *monitor)
{
    for (;;) {
        /* Deaths come before messages: whoever has ended already was not ended by a stop. */
        reap(monitor);
        obey(monitor);
        if (monitor->tree_empty)
            return;
        if (monitor->killing) {
            /* Again: a death may have made its children ours. Each such death is an event, so no timer. */
            kill_again(monitor);
        } else if (is_directory_gone(monitor)) {
            kill_tree(monitor);
        } else if (monitor->main_reaped && monitor->kill_at_ms == NO_DEADLINE) {
            kill_tree(monitor);
        } else if (is_over(monitor->kill_at_ms)) {
            kill_tree(monitor);
        } else if (is_over(monitor->time_out_at_ms)) {
            monitor->time_out_at_ms = NO_DEADLINE;
            end_job(monitor, CAUSE_TIMEOUT, SIGTERM, monitor->sheet->timeout_grace_ms);
        }
        watch_server(monitor);
        wait_for_event(monitor, poll_timeout(monitor));
        watch_helpers(monitor);
        meet_server(monitor);
    }
}

/* --- the job's end -------------------------------------------------------------------------- */

/* Nobody of the job is left to write: what is in the pipes is the rest. */
static void complete_log(struct monitor *monitor)
{
    struct capture_report report;
    int taken = 0;
    monitor->stall_at_ms = NO_DEADLINE;
    monitor->drained_by_ms = now_ms() + DRAIN_PATIENCE_MS;
    feeder_leave(&monitor->feeder);
    capture_drain(&monitor->capture);
    for (;;) {
        if (taken == 0)
            taken = capture_receive(&monitor->capture, &report);
        int left = feeder_has_left(&monitor->feeder); /* reaped by us, and not by who knows whom */
        if ((taken != 0 && left) || is_over(monitor->drained_by_ms))
            break;
        wait_for_event(monitor, poll_timeout(monitor));
        meet_server(monitor);
        obey(monitor);
    }
    monitor->record.log_complete = 1;
    if (taken != 1) { /* capture is dead, or waits for a stranger: what it has told so far is what there is */
        uint32_t state = PAGE_CAPTURING;
        if (atomic_compare_exchange_strong(&monitor->page->state, &state, PAGE_GIVEN_UP) || state == PAGE_GIVEN_UP)
            monitor->record.log_complete = 0;
        report = (struct capture_report){atomic_load(&monitor->page->end), atomic_load(&monitor->page->kept)};
        capture_abandon(&monitor->capture);
    }
    monitor->record.log_end = report.end;
    monitor->record.log_kept = report.kept;
}

/*
 * A full disk must not cost an exit status, nor a shortage of descriptors what the job has used: the record is tried
 * again whenever something happens, and after a while. It waits for ever until it can be written, but not to be told
 * all figures. Returns 0, or 1 if the job's directory is gone: then nobody will ask.
 */
static int write_record(struct monitor *monitor)
{
    int64_t told_by = now_ms() + TOLD_PATIENCE_MS;
    monitor->record.cgroup = USAGE_NOT_TOLD;
    for (;;) {
        if (is_directory_gone(monitor)) /* before, too: whoever removes it must not meet a new file in it */
            return 1;
        int error = record_cgroup(&monitor->record.cgroup, monitor->cgroup);
        if ((error == 0 || is_over(told_by)) && record_write(&monitor->record) == 0)
            return 0;
        wait_for_event(monitor, RECORD_RETRY_MS);
        meet_server(monitor);
        obey(monitor);
    }
}

int monitor_run(struct sheet *sheet, int control_fd, int join_error)
{
    struct monitor monitor = {
        .sheet = sheet,
        .control = {.listener = -1, .peer = control_fd},
        .capture = {.pid = 0, .socket = -1},
        .feeder = {.pid = 0, .socket = -1},
        .page_fd = -1,
        .wake_fd = -1,
        .life = -1,
        .cgroup = -1,
        .signals = -1,
        .job = {.init = -1, .listener = -1},
        .kill_at_ms = NO_DEADLINE,
        .time_out_at_ms = NO_DEADLINE,
        .stall_at_ms = NO_DEADLINE,
        .drained_by_ms = NO_DEADLINE,
    };
    control_send(&monitor.control, "2 hello %ld", (long)getpid());
    if (start(&monitor, join_error) != 0) {
        if (monitor.capture.pid != 0)
            complete_log(&monitor); /* there is none; but capture is reaped by its parent, and not by who knows whom */
        return 1;
    }
    supervise(&monitor);
    if (!monitor.main_reaped)
        return 1; /* better no record than a false one */
    complete_log(&monitor);
    if (write_record(&monitor) != 0)
        return 1;
    control_send(&monitor.control, "2 ended");
    return 0;
}

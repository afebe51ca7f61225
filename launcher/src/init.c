#include "init.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "inherited.h"
#include "isolate.h"

/* Everything of the monitor's but the two descriptors that init needs for itself. */
static void close_all_but(int first, int second)
{
    unsigned low = (unsigned)(first < second ? first : second);
    unsigned high = (unsigned)(first < second ? second : first);
    const unsigned ranges[][2] = {{3U, low - 1}, {low + 1, high - 1}, {high + 1, ~0U}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i][0] <= ranges[i][1])
            (void)syscall(SYS_close_range, ranges[i][0], ranges[i][1], 0U); /* isolation needs a kernel that has it */
    }
}

static void reap(pid_t main_pid, int report_fd)
{
    struct init_report report;
    pid_t pid;
    while ((pid = wait4(-1, &report.wait_status, WNOHANG, &report.usage)) != 0) {
        if (pid < 0 && errno == ECHILD)
            _exit(0); /* nobody is left */
        if (pid == main_pid && send(report_fd, &report, sizeof report, MSG_NOSIGNAL) < 0)
            _exit(1); /* the monitor is gone, and nobody is to be left without it */
    }
}

static void obey(pid_t main_pid, int report_fd)
{
    struct init_command command;
    ssize_t n = recv(report_fd, &command, sizeof command, MSG_DONTWAIT);
    if (n == 0)
        _exit(1);
    if (n == (ssize_t)sizeof command) {
        kill(-main_pid, command.signal);
        if (command.resume)
            kill(-main_pid, SIGCONT);
    }
}

_Noreturn void init_run(const struct sheet *sheet, const struct job_stdio *stdio, int join_error, int error_fd,
                        int report_fd)
{
    int error = join_error;
    if (error != 0)
        job_fail(error_fd, STEP_CGROUP, error);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || setsid() < 0)
        job_fail(error_fd, STEP_INIT, errno);
    enum step step;
    if ((error = inherited_reset(sheet, &step)) != 0)
        job_fail(error_fd, step, error);
    umask(0);
    if (syscall(SYS_setgroups, (size_t)0, NULL) != 0) /* the server's groups open doors too */
        job_fail(error_fd, STEP_INIT, errno);
    if (sheet->no_network && (error = isolate_network()) != 0)
        job_fail(error_fd, STEP_NETWORK, error);
    /* Here and not at the clone, which would take the monitor's cgroup for the root of it (cgroup_namespaces(7)). */
    if (sheet->cgroup_mount != NULL && unshare(CLONE_NEWCGROUP) != 0)
        job_fail(error_fd, STEP_CGROUP_NAMESPACE, errno);
    if (sheet->disk_bytes != 0 && !sheet->disk_in_memory && (error = disk_bound(sheet->work, sheet->disk_bytes)) != 0)
        job_fail(error_fd, STEP_DISK, error);
    if ((error = isolate_files(sheet)) != 0)
        job_fail(error_fd, STEP_MOUNT, error);

    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    int child_signal = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK); /* blocked since the monitor */
    if (child_signal < 0)
        job_fail(error_fd, STEP_INIT, errno);
    pid_t main_pid = fork();
    if (main_pid < 0)
        job_fail(error_fd, STEP_INIT, errno);
    if (main_pid == 0) {
        /* The kernel puts our PID, as the monitor sees it, beside this byte (unix(7), SO_PASSCRED). */
        if (send(report_fd, &(const char){INIT_MAIN}, 1, MSG_NOSIGNAL) != 1)
            job_fail(error_fd, STEP_INIT, errno);
        job_exec(sheet, stdio, 0, error_fd, report_fd);
    }
    /* Closing the job's pipes may take for ever once the job has them in its hands: hence before it runs. */
    close_all_but(child_signal, report_fd);
    if (send(report_fd, &(const char){INIT_READY}, 1, MSG_NOSIGNAL) != 1)
        _exit(1);

    struct pollfd fds[] = {{.fd = child_signal, .events = POLLIN}, {.fd = report_fd, .events = POLLIN}};
    for (;;) {
        reap(main_pid, report_fd);
        if (poll(fds, sizeof fds / sizeof fds[0], -1) < 0 && errno != EINTR)
            _exit(1);
        struct signalfd_siginfo info;
        while (read(child_signal, &info, sizeof info) > 0)
            continue;
        if (fds[1].revents != 0)
            obey(main_pid, report_fd);
    }
}

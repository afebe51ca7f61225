/*
 * job-worker-launcher: starts one job, stays with it, and records its end. Not for people: the server
 * starts it with the launch sheet on descriptor 3 and the control channel on descriptor 4; or, to delete what a
 * job has left or to keep ports from jobs, as remove.h and reserve.h say.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "control.h"
#include "inherited.h"
#include "monitor.h"
#include "remove.h"
#include "reserve.h"
#include "sheet.h"
#include "step.h"

enum { SHEET_FD = 3, CONTROL_FD = 4, TRASH_FD = 3, CGROUP_FD = 3 };

/* Whatever the server leaked is not ours to keep, and least of all the job's. */
static void close_leaked(int last_of_ours)
{
    if (syscall(SYS_close_range, (unsigned)last_of_ours + 1U, ~0U, 0U) == 0)
        return;
    long limit = sysconf(_SC_OPEN_MAX); /* before Linux 5.9 */
    for (int fd = last_of_ours + 1; fd < (limit > 0 && limit < 65536 ? limit : 65536); fd++)
        close(fd);
}

/* The server's terminal or log must not be kept open by a launcher that outlives it. */
static int hold_stdio(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    for (int standard = 0; standard <= 2; standard++) {
        if (dup2(fd, standard) < 0)
            return errno;
    }
    return fd > 2 && close(fd) != 0 ? errno : 0;
}

static int remove_mode(int argc, char **argv)
{
    close_leaked(TRASH_FD);
    int error = hold_stdio();
    return error != 0 ? error : remove_run(TRASH_FD, argv[2], argc == 4 ? argv[3] : NULL);
}

static int reserve_mode(int argc, char **argv)
{
    close_leaked(CGROUP_FD);
    int error = hold_stdio();
    return error != 0 ? error : reserve_run(CGROUP_FD, argv + 2, argc - 2);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("job-worker-launcher, protocol 2") < 0;

    if ((argc == 3 || argc == 4) && strcmp(argv[1], "--remove") == 0)
        return remove_mode(argc, argv);
    if (argc >= 2 && strcmp(argv[1], "--reserve") == 0)
        return reserve_mode(argc, argv);

    if (fcntl(SHEET_FD, F_GETFD) < 0 || fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0) {
        fprintf(stderr, "job-worker-launcher: started by hand; job-worker-server starts it\n");
        return 2;
    }
    close_leaked(CONTROL_FD);
    struct control control = {-1, CONTROL_FD};
    int error = hold_stdio();
    struct sheet sheet;
    if (error == 0)
        error = sheet_read(&sheet, SHEET_FD);
    if (error != 0) {
        control_send(&control, "2 failed %s %d", step_name(STEP_SHEET), error);
        return 1;
    }
    close(SHEET_FD);

    /* Of a real-time policy in a cgroup there may be no time at all (sched-rt-group.rst), and there we all live. */
    if ((error = inherited_reset_policy()) != 0) {
        control_send(&control, "2 failed %s %d", step_name(STEP_SCHEDULER), error);
        return 1;
    }

    /*
     * The monitor is born in a cgroup of its own, out of reach of whatever ends the server's, and as
     * the server's own child (CLONE_PARENT), so that no one else has to reap it.
     */
    int home = -1;
    if (sheet.monitor_cgroup != NULL && (home = cgroup_open(sheet.monitor_cgroup)) < 0) {
        control_send(&control, "2 failed %s %d", step_name(STEP_MONITOR), errno);
        return 1;
    }
    int join_error = 0;
    pid_t monitor = cgroup_fork(home, CLONE_PARENT, &join_error);
    if (monitor < 0) {
        control_send(&control, "2 failed %s %d", step_name(STEP_CLONE), errno);
        return 1;
    }
    if (monitor > 0)
        _exit(0);
    if (home >= 0)
        close(home);
    int status = monitor_run(&sheet, CONTROL_FD, join_error);
    sheet_free(&sheet);
    return status;
}

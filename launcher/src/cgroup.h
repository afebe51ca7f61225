/*
 * Birth inside a cgroup. A process that is moved after its birth has a moment outside its limits, and
 * the move itself waits for an RCU grace period (measured: 5 to 20 ms); clone3 with CLONE_INTO_CGROUP
 * has neither fault.
 */
#ifndef JOB_WORKER_CGROUP_H
#define JOB_WORKER_CGROUP_H

#include <sys/types.h>

/*
 * Like fork, but the child is born in the cgroup v2 directory that cgroup_fd stands for (-1: in the
 * caller's) and with the given clone flags. On kernels before 5.7 the child joins by itself before
 * this returns in it; if it cannot, *join_error is set in the child. Returns -1 with errno on failure.
 */
pid_t cgroup_fork(int cgroup_fd, unsigned long long flags, int *join_error);

/* An O_PATH-like descriptor of a cgroup directory, close-on-exec; -1 with errno. */
int cgroup_open(const char *path);

enum { CGROUP_QUOTA_BYTES = 64 };

/* What cpu.max says; "" if there is nothing to be held. */
struct cgroup_quota {
    char text[CGROUP_QUOTA_BYTES];
};

/*
 * Takes the CPU quota off a cgroup (-1: none) for as long as only our own code runs in it: to set the stage takes some
 * milliseconds, which are seconds of a small quota. 0 or errno.
 */
int cgroup_lift_quota(int cgroup_fd, struct cgroup_quota *quota);

/* Puts it back, and makes sure that the kernel has taken it. 0 or errno; then nothing may run there. */
int cgroup_restore_quota(int cgroup_fd, const struct cgroup_quota *quota);

/* cgroup.kill: SIGKILL for every process in the cgroup, forks in flight included. 0 or errno. */
int cgroup_kill(int cgroup_fd);

#endif

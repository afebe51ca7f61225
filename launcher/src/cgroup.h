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

/* cgroup.kill: SIGKILL for every process in the cgroup, forks in flight included. 0 or errno. */
int cgroup_kill(int cgroup_fd);

#endif

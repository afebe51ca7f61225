/*
 * Keeps ports for the server that its jobs on the same network could take while it is away: a program that the kernel
 * runs at each bind(2) of whoever is in a cgroup or below it (bpf(2), BPF_PROG_TYPE_CGROUP_SOCK_ADDR) refuses them. It
 * stays when the server dies, and as long as the cgroup is there.
 *
 *   job-worker-launcher --reserve PORT...     with descriptor 3: a cgroup v2 directory
 *
 * The ports are those of the network namespace that this is run in; jobs with a network of their own keep theirs (since
 * Linux 5.14, which tells namespaces apart).
 */
#ifndef JOB_WORKER_RESERVE_H
#define JOB_WORKER_RESERVE_H

enum { RESERVE_MOST_PORTS = 16 };

/*
 * Reserves these ports in place of those that were reserved there before. Returns what the process is to exit with: 0, or an
 * errno; EINVAL: a port is none, or there are none or too many.
 */
int reserve_run(int cgroup, char *const *ports, int count);

#endif

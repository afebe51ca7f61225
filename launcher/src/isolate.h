/*
 * What an isolated job sees of the machine: the host's files, but a /proc, /tmp, /dev/shm and /dev of its
 * own, an entry for its user, and nothing of the server's directory. Runs in the job's init,
 * which is alone in fresh PID, mount, IPC, UTS and cgroup namespaces, as root.
 */
#ifndef JOB_WORKER_ISOLATE_H
#define JOB_WORKER_ISOLATE_H

#include "sheet.h"

#define ISOLATE_WORK "/tmp/work" /* where the job finds its own directory */

/* 0 or errno. */
int isolate_files(const struct sheet *sheet);

/* Loopback up, in a network namespace that has nothing else. 0 or errno. */
int isolate_network(void);

#endif

/*
 * A process of the launcher's own that touches what the job may hold: it may have to wait in the kernel, unkillable,
 * so that the monitor never does. It is the monitor's child, made without an exit signal (clone(2)), so that wait(2)
 * for the job's processes passes it over, and it leaves when the monitor does.
 */
#ifndef JOB_WORKER_HELPER_H
#define JOB_WORKER_HELPER_H

#include <stddef.h>
#include <sys/types.h>

/* As fork(2). */
pid_t helper_fork(void);

/*
 * Closes all descriptors from 3 on but these, of which negative ones are none; sorts them. What the monitor has for
 * itself, its control socket and life lock, tells others of its death, and so must not be kept by anybody else.
 */
void helper_close_others(int *keep, size_t count);

/*
 * wait(2), __WCLONE; flags 0 or WNOHANG. *pid becomes 0 when it is reaped. One that has said so has closed what it
 * could have to wait for; of any other its exit may wait, and so nobody waits for it.
 */
void helper_reap(pid_t *pid, int flags);

#endif

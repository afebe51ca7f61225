/*
 * What whoever started the server gave to it, and fork and execve(2) would hand down to its jobs: each is put back
 * to what a process has that nobody gave anything. Signals, umask and limits are job.c's, which sets them to values of
 * the job's own; no_new_privs is privilege.h's.
 */
#ifndef JOB_WORKER_INHERITED_H
#define JOB_WORKER_INHERITED_H

#include "sheet.h"
#include "step.h"

/*
 * Async-signal-safe. What may not be put back, for want of a privilege, stays as it is: then the job has no more of it
 * than the server. 0 or errno, and then *step says at what.
 */
int inherited_reset(const struct sheet *sheet, enum step *step);

/* The scheduling policy alone, which a launcher must not have either. 0 or errno. */
int inherited_reset_policy(void);

#endif

/*
 * Deletion of what a job has left in its working directory, as the job's own user and without a capability:
 * whatever a process of that user does meanwhile, nothing is removed that it could not have removed itself.
 * By descriptors only, never through a link and never into another file system; a directory that is not empty
 * is moved up into the working directory itself, so that ".." is never opened, and depth costs neither
 * descriptors nor stack.
 *
 *   job-worker-launcher --remove NAME [CGROUP]     with descriptor 3: the directory in which NAME lies
 *
 * empties NAME/work. CGROUP is the cgroup v2 directory that the process is to be born in.
 */
#ifndef JOB_WORKER_REMOVE_H
#define JOB_WORKER_REMOVE_H

enum {
    REMOVE_DONE = 0,     /* NAME/work is empty, or is not there */
    REMOVE_LEFT = 1,     /* something cannot be removed: a mount point, or what somebody keeps making anew */
    REMOVE_TIME_UP = 75, /* there is more; sysexits.h, EX_TEMPFAIL */
    REMOVE_SECONDS = 30  /* for one run, so that others get their turn */
};

/* Returns what the process is to exit with. */
int remove_run(const char *name, const char *cgroup);

#endif

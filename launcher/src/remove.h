/*
 * Deletion of what a job has left in its working directory, as the job's own user and without a capability:
 * whatever a process of that user does meanwhile, nothing is removed that it could not have removed itself.
 * By descriptors only, never through a link and never into another file system; a directory that is not empty
 * is moved up into the working directory itself, so that ".." is never opened, and depth costs neither
 * descriptors nor stack.
 *
 *   job-worker-launcher --remove NAME [CGROUP]     with descriptor 3: the directory in which NAME lies
 *
 * Empties NAME/work in a child that is born in the cgroup v2 directory CGROUP, or if that is not to be had in our own.
 * `work` itself stays, and so does all else in NAME: that is the server's to remove.
 */
#ifndef JOB_WORKER_REMOVE_H
#define JOB_WORKER_REMOVE_H

enum { REMOVE_SECONDS = 10 }; /* for one run, so that others get their turn */

/*
 * Returns what the process is to exit with: 0 if `work` is empty or not there, else an errno. ETIME: there is more, and
 * another run goes on from there; EINTR: the child was stopped or killed; EAGAIN: somebody keeps changing what is there;
 * EINVAL: NAME is not that of one entry; else why something cannot be removed, EBUSY for a mount point.
 */
int remove_run(int trash, const char *name, const char *cgroup);

#endif

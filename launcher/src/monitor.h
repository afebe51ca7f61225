/*
 * The monitor: the launcher after it has left the server's cgroup and session. It starts the job, waits
 * for it, ends it when told or when its time is up, and records how it ended. It outlives the server.
 */
#ifndef JOB_WORKER_MONITOR_H
#define JOB_WORKER_MONITOR_H

#include "sheet.h"

/* Runs one job to its end. join_error is what cgroup_fork left. Returns the launcher's exit status. */
int monitor_run(struct sheet *sheet, int control_fd, int join_error);

#endif

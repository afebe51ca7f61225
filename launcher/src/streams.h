/*
 * What the job has on its descriptors 0, 1 and 2, and the other ends of it. Everything here is done before the
 * job's program runs: afterwards nobody but capture and the feeder may touch its pipes.
 */
#ifndef JOB_WORKER_STREAMS_H
#define JOB_WORKER_STREAMS_H

#include "capture.h"
#include "job.h"
#include "sheet.h"
#include "step.h"

/*
 * Opens all of it, close-on-exec; *feed is the writing end of a stdin that is a pipe, else -1. 0 or errno, and then
 * *step says at what.
 */
int streams_open(const struct sheet *sheet, struct job_stdio *stdio, struct capture_pipes *pipes, int *feed,
                 enum step *step);

/* Closes the job's ends; the job has its own. */
void streams_close(struct job_stdio *stdio);

#endif

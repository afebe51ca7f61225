/*
 * The job's side of the launch: from birth to execve(2). Everything here runs in the child of a
 * multi-step launch and uses async-signal-safe calls only; nothing is allocated.
 */
#ifndef JOB_WORKER_JOB_H
#define JOB_WORKER_JOB_H

#include "sheet.h"
#include "step.h"

struct job_stdio {
    int in;
    int out;
    int err;
};

/* Reports on error_fd (which is close-on-exec, so that its end of file means success) and exits. */
_Noreturn void job_fail(int error_fd, enum step step, int error);

/*
 * Becomes the job, once error_fd says that it may, or reports the failed step there. The descriptor on which the kernel tells of refused
 * system calls goes to the monitor through report_fd (-1: nobody wants it).
 */
_Noreturn void job_exec(const struct sheet *sheet, const struct job_stdio *stdio, int join_error, int error_fd,
                        int report_fd);

#endif

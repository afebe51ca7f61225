/*
 * PID 1 of an isolated job's PID namespace: sets the stage, starts the main process, reaps whoever has
 * lost its parent, passes signals on and the main process's true end up. A job that were PID 1 itself
 * would ignore SIGTERM (pid_namespaces(7)) and leave zombies. When it goes, the kernel kills what is left.
 */
#ifndef JOB_WORKER_INIT_H
#define JOB_WORKER_INIT_H

#include <sys/resource.h>

#include "job.h"
#include "sheet.h"

/* Before that, in any order: packets of one byte on the same socket. */
enum {
    INIT_MAIN = 'm',     /* from the main process: its sender's PID is who that is */
    INIT_LISTENER = 'l', /* from the main process, with its descriptor, if the kernel gave one: refused calls */
    INIT_READY = 'r'     /* from init: it has closed all that it does not need itself */
};

/* From init to monitor, when the main process has ended. */
struct init_report {
    int wait_status;
    struct rusage usage;
};

/* From monitor to init: the signal that the main process's group is to get, and whether it is to run to see it. */
struct init_command {
    int signal;
    int resume;
};

/* Runs to the end of the namespace. report_fd is a packet socket to the monitor. */
_Noreturn void init_run(const struct sheet *sheet, const struct job_stdio *stdio, int join_error, int error_fd,
                        int report_fd);

#endif

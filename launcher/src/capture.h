/*
 * Capture: a process of its own (helper.h) that moves the job's output from its pipes into its log.
 * Whoever reads a pipe may have to wait in the kernel for as long as somebody holds the pipe's mutex, unkillable
 * (a job does so by splicing into its own stdout from something that has nothing yet); this process is there to
 * be the one that waits. The monitor never touches a pipe once the job's program runs, so that stop, grace,
 * time-out and end go on meanwhile.
 */
#ifndef JOB_WORKER_CAPTURE_H
#define JOB_WORKER_CAPTURE_H

#include <stdint.h>
#include <sys/types.h>

#include "log.h"
#include "page.h"

struct capture {
    pid_t pid;  /* 0: not started, or reaped */
    int socket; /* packet socket to it; -1: none */
};

/* What capture says when the log is complete. */
struct capture_report {
    uint64_t end;
    uint64_t kept;
};

/* Where the job's output comes from: the reading ends; err is -1 where it is merged into out. */
struct capture_pipes {
    int out;
    int err;
};

/*
 * Starts capture. The pipes and the log's files are the new process's, and closed in this one; wake_fd is the
 * eventfd by which the server is woken. 0 or errno.
 */
int capture_start(struct capture *capture, const struct capture_pipes *pipes, struct log *log, int wake_fd);

/* The mark or the share in the page has changed. Never blocks. */
void capture_look(const struct capture *capture);

/* The tree is dead: what is in the pipes now is the rest. Never blocks. */
void capture_drain(const struct capture *capture);

/* Takes the report, if it is there, and reaps. 1: taken; 0: not yet; -1: there is none any more. Never blocks. */
int capture_receive(struct capture *capture, struct capture_report *report);

/* Nobody waits for a report any more. */
void capture_abandon(struct capture *capture);

#endif

/*
 * The exit record: how the job ended, as the kernel told its parent. Lines of "key value" in the file
 * "exit" of the job's directory, written beside it and renamed, so that it is whole or absent.
 */
#ifndef JOB_WORKER_RECORD_H
#define JOB_WORKER_RECORD_H

#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

/* Why the launcher itself acted on the job, if it did. */
enum cause { CAUSE_NONE, CAUSE_STOP, CAUSE_TIMEOUT };

struct exit_record {
    pid_t main_pid;
    int wait_status; /* wait(2) */
    enum cause cause;
    const char *refused_call; /* the first system call that was refused; NULL: none */
    struct rusage usage;
    struct timespec started_at; /* CLOCK_REALTIME */
    struct timespec ended_at;
};

/* 0 or errno. */
int record_write(const struct exit_record *record);

#endif

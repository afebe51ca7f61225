/*
 * The exit record: how the job ended, as the kernel told its parent. Lines of "key value" in the file
 * "exit" of the job's directory, written beside it and renamed, so that it is whole or absent. It is not
 * synchronised to the disk, for that would wait behind the job's own output; the server's database makes an end
 * durable.
 */
#ifndef JOB_WORKER_RECORD_H
#define JOB_WORKER_RECORD_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

/* Why the launcher itself acted on the job, if it did. */
enum cause { CAUSE_NONE, CAUSE_STOP, CAUSE_TIMEOUT };

/* Instead of a figure. */
enum {
    NOT_COUNTED = -1, /* by the kernel here: there is no such file */
    NOT_TOLD = -2,    /* the file cannot be read */
};

/* What the kernel has counted for the job's cgroup; int64_t only. */
struct cgroup_usage {
    int64_t cpu_usec;
    int64_t throttled_usec;
    int64_t memory_peak_bytes;
    int64_t oom_kills;
    int64_t read_bytes; /* of the whole slot, the output included */
    int64_t written_bytes;
};

#define USAGE_NOT_TOLD ((struct cgroup_usage){NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD, NOT_TOLD})

struct exit_record {
    pid_t main_pid;
    int wait_status; /* wait(2) */
    enum cause cause;
    const char *refused_call; /* the first system call that was refused; NULL: none */
    struct rusage usage;
    struct cgroup_usage cgroup;
    uint64_t log_end;  /* offset after the last byte of output */
    uint64_t log_kept; /* bytes of it that can be read */
    int log_complete;  /* capture said so; else the log's end may be missing */
    struct timespec started_at; /* CLOCK_REALTIME */
    struct timespec ended_at;
};

/*
 * Reads what the cgroup has counted and is NOT_TOLD yet, when nothing of the job is left in it; cgroup -1: nothing is
 * counted. Returns 0, or an errno of a file that cannot be read now.
 */
int record_cgroup(struct cgroup_usage *usage, int cgroup);

/* Takes the room that the record will need, as long as there is some. */
void record_reserve(void);

/* 0 or errno. */
int record_write(const struct exit_record *record);

#endif

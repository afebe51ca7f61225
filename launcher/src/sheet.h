/*
 * The launch sheet: everything the launcher must know about one job, written by the server and read
 * once from an inherited descriptor. Entries are "key=value", each ended by a NUL byte, so that any
 * byte but NUL can stand in an argument or a variable.
 *
 *   version=2              must come first
 *   dir=PATH               the job's directory; the launcher's own files live there
 *   attempt=NAME           what the link "slot" in that directory names; else the launch was given up (mark.h)
 *   durable=1              the mark outlives the host                            (optional)
 *   monitor-cgroup=PATH    cgroup v2 directory that the launcher itself lives in (optional)
 *   cgroup=PATH            cgroup v2 directory that the job is born in           (optional)
 *   cgroup-mount=PATH      where cgroup v2 is mounted: an isolated job finds its own cgroup there, and no other (optional)
 *   retain=BYTES           how much of the output is kept, on disk, at most
 *   block=1                the job waits for its readers rather than overwrite   (optional)
 *   stall-ms=N             but while no server is there for so long at most      (optional: for ever)
 *   cwd=PATH               the job's working directory
 *   stdin=PATH             what the job reads on descriptor 0       (default /dev/null)
 *   stdin-stream=1         or: a pipe, into which the server has it written while it runs (feeder.h)
 *   merge=1                stderr goes into stdout's pipe                       (optional)
 *   timeout-ms=N           then the job is stopped                               (optional)
 *   timeout-grace-ms=N     how long SIGTERM comes before SIGKILL on time-out     (optional)
 *   isolate=1              own PID, mount, IPC and UTS namespaces; needs root       (optional)
 *   work=PATH              a directory of the job's own, which an isolated job finds at /tmp/work
 *   hide=PATH              the server's directory, which an isolated job must not see
 *   network=none           an isolated job gets a network namespace with loopback only
 *   scratch=BYTES          as much fits into /tmp and into /dev/shm of an isolated job (optional: as the kernel says)
 *   read-only=1            an isolated job can write to its working directory and /tmp only
 *   disk=BYTES             as much fits into the job's own directory, which is all that it has: read-only, cwd=/tmp/work
 *   disk-in-memory=1       and that is in memory; else its file system has to bound projects (disk.h)
 *   uid=N, gid=N           whom the job runs as                                  (optional)
 *   seccomp=1              refuse an isolated job the system calls that no job needs (optional)
 *   rlimit=NAME:SOFT:HARD  numbers or "unlimited"; may repeat
 *   arg=VALUE              argv, in order; at least one
 *   env=NAME=VALUE         the job's whole environment, but for USER and LOGNAME, which are added (account.h)
 *
 * A key or a value that is not known is refused: a sheet of a newer server must not be half obeyed.
 */
#ifndef JOB_WORKER_SHEET_H
#define JOB_WORKER_SHEET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "account.h"

enum {
    SHEET_VERSION = 2,
    SHEET_MAX_BYTES = 8 * 1024 * 1024,
    SHEET_MAX_RLIMITS = 16,
    SHEET_SPARE_VARIABLES = 2, /* room that envp has for account.h */
};

struct rlimit_setting {
    int resource;
    struct rlimit value;
};

struct sheet {
    const char *dir;
    const char *attempt;        /* NULL: whatever there is */
    int durable;
    const char *monitor_cgroup; /* NULL: none */
    const char *cgroup;         /* NULL: none */
    const char *cgroup_mount;   /* NULL: nothing is changed there */
    const char *cwd;
    const char *stdin_path;
    int stdin_stream;
    int merge;
    int64_t retain_bytes;
    int block;
    int64_t stall_ms; /* 0: none */
    int64_t timeout_ms; /* 0: none */
    int64_t timeout_grace_ms;
    int isolate;
    const char *work; /* NULL: none */
    const char *hide; /* NULL: nothing */
    int64_t scratch_bytes; /* 0: as the kernel says */
    int no_network;
    int read_only;
    int64_t disk_bytes; /* 0: as much as there is */
    int disk_in_memory;
    int64_t uid; /* -1: the launcher's own */
    int64_t gid;
    int seccomp;
    struct rlimit_setting rlimits[SHEET_MAX_RLIMITS];
    size_t rlimit_count;
    char **argv;             /* NULL-terminated */
    char **envp;             /* NULL-terminated */
    const char *search_path; /* PATH of envp, or the default one */
    char *text;              /* owns every string above */
    struct account account;  /* not on the sheet: account_find */
};

/* Reads and checks the sheet on fd. Returns 0, or an errno value; the sheet is then empty. */
int sheet_read(struct sheet *sheet, int fd);

void sheet_free(struct sheet *sheet);

#endif

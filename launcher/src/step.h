/*
 * The steps of a launch that can fail, by the names that users see in the error of their Start.
 */
#ifndef JOB_WORKER_STEP_H
#define JOB_WORKER_STEP_H

enum step {
    STEP_SHEET,
    STEP_MONITOR,
    STEP_LIFE_LOCK,
    STEP_CONTROL,
    STEP_ACCOUNT,
    STEP_PAGE,
    STEP_PIPE,
    STEP_STDIN,
    STEP_LOG,
    STEP_CAPTURE,
    STEP_CLONE,
    STEP_CGROUP,
    STEP_INIT,
    STEP_NETWORK,
    STEP_CGROUP_NAMESPACE,
    STEP_DISK,
    STEP_MOUNT,
    STEP_SESSION,
    STEP_SIGNALS,
    STEP_OOM_SCORE,
    STEP_SCHEDULER,
    STEP_PRIORITY,
    STEP_IO_PRIORITY,
    STEP_AFFINITY,
    STEP_MEMORY,
    STEP_PERSONALITY,
    STEP_TIMER_SLACK,
    STEP_KEYRING,
    STEP_RLIMIT,
    STEP_USER,
    STEP_CAPABILITIES,
    STEP_SECCOMP,
    STEP_CHDIR,
    STEP_STDIO,
    STEP_CLOSE,
    STEP_MARK,
    STEP_EXEC,
    STEP_COUNT
};

enum { STEP_SUBJECT_BYTES = 256 };

/*
 * What a child reports through the close-on-exec error socket: the step that failed, or STEP_EXEC with error 0
 * when only execve(2) is left to do; it then waits for one byte before it does that. A socket that ends without
 * a word is a child that was killed before.
 */
struct step_failure {
    enum step step;
    int error;
    char subject[STEP_SUBJECT_BYTES]; /* of STEP_EXEC: the interpreter that is missing; else "" */
};

const char *step_name(enum step step);

#endif

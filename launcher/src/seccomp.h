/*
 * The system calls that no job needs, and that have opened doors in the past: refused with EPERM by a
 * seccomp filter (seccomp(2)), and families of sockets as if the kernel had none of them. It is a list of refusals and not of permissions, because a job may be any
 * program; what protects the host is the whole of user, capabilities, namespaces and this.
 */
#ifndef JOB_WORKER_SECCOMP_H
#define JOB_WORKER_SECCOMP_H

enum seccomp_kept {
    SECCOMP_KEEP_CORES = 1,   /* the limit RLIMIT_CORE */
    SECCOMP_KEEP_PROJECT = 2, /* which project a file is of, and by which its size is bounded (disk.h) */
};

/*
 * Puts the filter on the calling thread for good. Needs no_new_privs. 0 or errno. Where the kernel can tell
 * of refusals (seccomp_unotify(2)), *listener is a descriptor on which it does, and somebody must answer;
 * else it is -1, and the kernel refuses by itself. kept is what else is to stay as it is.
 */
int seccomp_refuse_dangerous(unsigned kept, int *listener);

/* Refuses the call that waits on the listener. Its name, or NULL when none waited. */
const char *seccomp_refuse_waiting(int listener);

#endif

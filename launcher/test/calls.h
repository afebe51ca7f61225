/*
 * The system calls of seccomp_test.c, for each set of numbers. The list is written here once more, so that one that goes
 * missing from ../src/refused.h is missed.
 */
#ifndef JOB_WORKER_CALLS_H
#define JOB_WORKER_CALLS_H

#include <stddef.h>

struct call {
    unsigned number;
    const char *name;
};

struct calls {
    const char *name;
    long (*make)(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d); /* -errno */
    const struct call *refused;
    size_t refused_count;
    unsigned unshare, keyctl, clone, clone3, socket, socketpair, setrlimit, getrlimit, prlimit64, ioctl;
    size_t rlim_bytes; /* of each of the two numbers that setrlimit(2) takes */
};

#if defined(__x86_64__)
extern const struct calls calls_32;
#endif

#define CALL(name) {__NR_##name, #name}

/* By number, where headers may not know the name. */
#define REFUSED_IN_BOTH                                                                                              \
    {443, "quotactl_fd"}, {467, "open_tree_attr"}, CALL(init_module), CALL(finit_module), CALL(delete_module),       \
    CALL(kexec_load), CALL(reboot), CALL(bpf), CALL(perf_event_open), CALL(syslog), CALL(acct), CALL(swapon),        \
    CALL(swapoff), CALL(quotactl), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(open_tree),      \
    CALL(move_mount), CALL(fsopen), CALL(fsconfig), CALL(fsmount), CALL(fspick), CALL(mount_setattr), CALL(unshare), \
    CALL(setns), CALL(open_by_handle_at), CALL(fanotify_init), CALL(keyctl), CALL(add_key), CALL(request_key),       \
    CALL(settimeofday), CALL(clock_settime), CALL(clock_adjtime), CALL(adjtimex), CALL(sethostname),                 \
    CALL(setdomainname), CALL(userfaultfd), CALL(io_uring_setup), CALL(io_uring_enter), CALL(io_uring_register)

#endif

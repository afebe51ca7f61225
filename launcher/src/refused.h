/*
 * The system calls that jobs are refused, by name, for each set of numbers that a job may call the kernel by. Include
 * this behind the header that has the numbers.
 */
#ifndef JOB_WORKER_REFUSED_H
#define JOB_WORKER_REFUSED_H

#include <stddef.h>

/* Younger than some headers, and the same in every set. A header that has another number does not compile with this. */
#define __NR_quotactl_fd 443
#define __NR_open_tree_attr 467
#define __NR_file_setattr 469

enum { MOST_REFUSED = 80 }; /* in one set */

struct refused_call {
    unsigned number;
    const char *name;
};

/* One set of numbers. */
struct call_numbers {
    unsigned arch; /* as seccomp(2) tells it: AUDIT_ARCH_ of linux/audit.h */
    unsigned clone;
    unsigned clone3;
    unsigned socket;
    unsigned socketpair;
    unsigned socketcall;
    unsigned setrlimit;
    unsigned prlimit64;
    unsigned ioctl;
    unsigned file_setattr;
    const struct refused_call *refused;
    size_t refused_count;
};

#if defined(__x86_64__)
/* Of 32-bit programs, whose calls have numbers of their own; a 64-bit one can make them too (int 0x80). */
extern const struct call_numbers x86_32_numbers;
#endif

/* Those that all sets have. CALL is given each name. */
#define REFUSED_EVERYWHERE(CALL)                              \
    /* The kernel's own code and its life. */                 \
    CALL(init_module)                                         \
    CALL(finit_module)                                        \
    CALL(delete_module)                                       \
    CALL(kexec_load)                                          \
    CALL(reboot)                                              \
    CALL(bpf)                                                 \
    CALL(perf_event_open)                                     \
    CALL(syslog)                                              \
    CALL(acct)                                                \
    CALL(swapon)                                              \
    CALL(swapoff)                                             \
    CALL(quotactl)                                            \
    CALL(quotactl_fd)                                         \
    /* File systems and namespaces. */                        \
    CALL(mount)                                               \
    CALL(umount2)                                             \
    CALL(pivot_root)                                          \
    CALL(chroot)                                              \
    CALL(open_tree)                                           \
    CALL(open_tree_attr)                                      \
    CALL(move_mount)                                          \
    CALL(fsopen)                                              \
    CALL(fsconfig)                                            \
    CALL(fsmount)                                             \
    CALL(fspick)                                              \
    CALL(mount_setattr)                                       \
    CALL(unshare)                                             \
    CALL(setns)                                               \
    CALL(open_by_handle_at)                                   \
    CALL(fanotify_init)                                       \
    /* What is shared with everybody: keys, clocks, names. */ \
    CALL(keyctl)                                              \
    CALL(add_key)                                             \
    CALL(request_key)                                         \
    CALL(settimeofday)                                        \
    CALL(clock_settime)                                       \
    CALL(clock_adjtime)                                       \
    CALL(adjtimex)                                            \
    CALL(sethostname)                                         \
    CALL(setdomainname)                                       \
    /* Large and young, or good for attacks mostly. */        \
    CALL(userfaultfd)                                         \
    CALL(io_uring_setup)                                      \
    CALL(io_uring_enter)                                      \
    CALL(io_uring_register)

#endif

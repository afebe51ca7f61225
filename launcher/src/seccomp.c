#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "this architecture's audit number is not known here"
#endif

#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSE(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), ANSWER(SECCOMP_RET_ERRNO | EPERM)
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))

enum {
    X32_BIT = 0x40000000, /* x86-64's second, rarely tested set of numbers */
    NAMESPACE_FLAGS = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                      CLONE_NEWNET
};

static struct sock_filter FILTER[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS), /* another architecture's numbers mean other calls */
    LOAD(nr),
#if defined(__x86_64__)
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
#endif

    /* The kernel's own code and its life. */
    REFUSE(__NR_init_module),
    REFUSE(__NR_finit_module),
    REFUSE(__NR_delete_module),
    REFUSE(__NR_kexec_load),
#ifdef __NR_kexec_file_load
    REFUSE(__NR_kexec_file_load),
#endif
    REFUSE(__NR_reboot),
    REFUSE(__NR_bpf),
    REFUSE(__NR_perf_event_open),
    REFUSE(__NR_syslog),
    REFUSE(__NR_acct),
    REFUSE(__NR_swapon),
    REFUSE(__NR_swapoff),
    REFUSE(__NR_quotactl),
#ifdef __NR_iopl
    REFUSE(__NR_iopl),
    REFUSE(__NR_ioperm),
#endif

    /* File systems and namespaces. */
    REFUSE(__NR_mount),
    REFUSE(__NR_umount2),
    REFUSE(__NR_pivot_root),
    REFUSE(__NR_chroot),
    REFUSE(__NR_open_tree),
    REFUSE(__NR_move_mount),
    REFUSE(__NR_fsopen),
    REFUSE(__NR_fsconfig),
    REFUSE(__NR_fsmount),
    REFUSE(__NR_fspick),
    REFUSE(__NR_mount_setattr),
    REFUSE(__NR_unshare),
    REFUSE(__NR_setns),
    REFUSE(__NR_open_by_handle_at),
    REFUSE(__NR_fanotify_init),

    /* What is shared with everybody: keys, clocks, names. */
    REFUSE(__NR_keyctl),
    REFUSE(__NR_add_key),
    REFUSE(__NR_request_key),
    REFUSE(__NR_settimeofday),
    REFUSE(__NR_clock_settime),
    REFUSE(__NR_clock_adjtime),
    REFUSE(__NR_adjtimex),
    REFUSE(__NR_sethostname),
    REFUSE(__NR_setdomainname),

    /* Large and young, or good for attacks mostly. */
    REFUSE(__NR_userfaultfd),
    REFUSE(__NR_io_uring_setup),
    REFUSE(__NR_io_uring_enter),
    REFUSE(__NR_io_uring_register),

    /* clone3's flags lie in memory, where a filter cannot look; ENOSYS makes C libraries use clone. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 3),
    LOAD(args[0]), /* both architectures are little-endian: the low half, where all flags are */
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACE_FLAGS, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | EPERM),

    ANSWER(SECCOMP_RET_ALLOW),
};

int seccomp_refuse_dangerous(void)
{
    const struct sock_fprog program = {.len = sizeof FILTER / sizeof FILTER[0], .filter = FILTER};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? errno : 0;
}

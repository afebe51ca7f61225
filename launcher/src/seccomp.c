#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
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
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))

enum {
    X32_BIT = 0x40000000, /* x86-64's second, rarely tested set of numbers */
    NAMESPACE_FLAGS = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                      CLONE_NEWNET
};

/* Refused with EPERM. */
static const struct {
    unsigned number;
    const char *name;
} REFUSED[] = {
    /* The kernel's own code and its life. */
    {__NR_init_module, "init_module"},
    {__NR_finit_module, "finit_module"},
    {__NR_delete_module, "delete_module"},
    {__NR_kexec_load, "kexec_load"},
#ifdef __NR_kexec_file_load
    {__NR_kexec_file_load, "kexec_file_load"},
#endif
    {__NR_reboot, "reboot"},
    {__NR_bpf, "bpf"},
    {__NR_perf_event_open, "perf_event_open"},
    {__NR_syslog, "syslog"},
    {__NR_acct, "acct"},
    {__NR_swapon, "swapon"},
    {__NR_swapoff, "swapoff"},
    {__NR_quotactl, "quotactl"},
#ifdef __NR_iopl
    {__NR_iopl, "iopl"},
    {__NR_ioperm, "ioperm"},
#endif
    /* File systems and namespaces. */
    {__NR_mount, "mount"},
    {__NR_umount2, "umount2"},
    {__NR_pivot_root, "pivot_root"},
    {__NR_chroot, "chroot"},
    {__NR_open_tree, "open_tree"},
    {__NR_move_mount, "move_mount"},
    {__NR_fsopen, "fsopen"},
    {__NR_fsconfig, "fsconfig"},
    {__NR_fsmount, "fsmount"},
    {__NR_fspick, "fspick"},
    {__NR_mount_setattr, "mount_setattr"},
    {__NR_unshare, "unshare"},
    {__NR_setns, "setns"},
    {__NR_open_by_handle_at, "open_by_handle_at"},
    {__NR_fanotify_init, "fanotify_init"},
    /* What is shared with everybody: keys, clocks, names. */
    {__NR_keyctl, "keyctl"},
    {__NR_add_key, "add_key"},
    {__NR_request_key, "request_key"},
    {__NR_settimeofday, "settimeofday"},
    {__NR_clock_settime, "clock_settime"},
    {__NR_clock_adjtime, "clock_adjtime"},
    {__NR_adjtimex, "adjtimex"},
    {__NR_sethostname, "sethostname"},
    {__NR_setdomainname, "setdomainname"},
    /* Large and young, or good for attacks mostly. */
    {__NR_userfaultfd, "userfaultfd"},
    {__NR_io_uring_setup, "io_uring_setup"},
    {__NR_io_uring_enter, "io_uring_enter"},
    {__NR_io_uring_register, "io_uring_register"},
};

enum { REFUSED_COUNT = sizeof REFUSED / sizeof REFUSED[0] };

static const struct sock_filter BEFORE[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS), /* another architecture's numbers mean other calls */
    LOAD(nr),
#if defined(__x86_64__)
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
#endif
    /* clone3's flags lie in memory, where a filter cannot look; ENOSYS makes C libraries use clone. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4),
    LOAD(args[0]), /* both architectures are little-endian: the low half, where all flags are */
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACE_FLAGS, 0, 1),
    ANSWER(SECCOMP_RET_ERRNO | EPERM),
    ANSWER(SECCOMP_RET_ALLOW),
};

enum { BEFORE_COUNT = sizeof BEFORE / sizeof BEFORE[0], FILTER_COUNT = BEFORE_COUNT + 2 * REFUSED_COUNT + 1 };

static void build(struct sock_filter *filter, unsigned refusal)
{
    memcpy(filter, BEFORE, sizeof BEFORE);
    filter += BEFORE_COUNT;
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        *filter++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, REFUSED[i].number, 0, 1);
        *filter++ = (struct sock_filter)ANSWER(refusal);
    }
    *filter = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
}

int seccomp_refuse_dangerous(int *listener)
{
    struct sock_filter filter[FILTER_COUNT];
    const struct sock_fprog program = {.len = FILTER_COUNT, .filter = filter};
    build(filter, SECCOMP_RET_USER_NOTIF);
    *listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (*listener >= 0)
        return 0;
    build(filter, SECCOMP_RET_ERRNO | EPERM); /* before Linux 5.0, or below a filter that has a listener already */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? errno : 0;
}

static const char *name_of(int number)
{
    for (size_t i = 0; i < REFUSED_COUNT; i++) {
        if (REFUSED[i].number == (unsigned)number)
            return REFUSED[i].name;
    }
    return "unknown";
}

const char *seccomp_refuse_waiting(int listener)
{
    /* seccomp_unotify(2): the kernel's structures may be larger than those we were built with. */
    union {
        struct seccomp_notif call;
        char room[1024];
    } request;
    union {
        struct seccomp_notif_resp answer;
        char room[1024];
    } response;
    memset(&request, 0, sizeof request);
    memset(&response, 0, sizeof response);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request.call) != 0)
        return NULL;
    response.answer.id = request.call.id;
    response.answer.error = -EPERM;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response.answer); /* ENOENT: the caller has died meanwhile */
    return name_of(request.call.data.nr);
}

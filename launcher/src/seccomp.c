#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refused.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "this architecture's audit number is not known here"
#endif

#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
/* All of these are little-endian: LOAD takes an argument's low half, which is all of it where the kernel takes an int. */
#define LOAD_HIGH(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field) + 4)
#define SKIP_IF(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (count), 0)
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define PUT(part, filter) (memcpy((filter), (part), sizeof (part)), sizeof (part) / sizeof (part)[0])

enum {
    X32_BIT = 0x40000000,    /* x86-64's second, rarely tested set of numbers */
    SOCKET_TYPE_MASK = 0xf,  /* socket(2): above it are flags */
    NO_SUCH_CALL = X32_BIT,  /* which has been answered before it is looked for */
    NAMESPACE_FLAGS = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                      CLONE_NEWNET
};

#define CALL(name) {__NR_##name, #name},

static const struct refused_call REFUSED[] = {
    REFUSED_EVERYWHERE(CALL)
#ifdef __NR_kexec_file_load
    CALL(kexec_file_load)
#endif
#ifdef __NR_iopl
    CALL(iopl)
    CALL(ioperm)
#endif
};
_Static_assert(sizeof REFUSED / sizeof REFUSED[0] <= MOST_REFUSED, "see MOST_INSTRUCTIONS");

static const struct call_numbers native_numbers = {
    .arch = NATIVE_ARCH,
    .clone = __NR_clone,
    .clone3 = __NR_clone3,
    .socket = __NR_socket,
    .socketpair = __NR_socketpair,
    .socketcall = NO_SUCH_CALL,
    .setrlimit = __NR_setrlimit,
    .prlimit64 = __NR_prlimit64,
    .ioctl = __NR_ioctl,
    .file_setattr = __NR_file_setattr,
    .refused = REFUSED,
    .refused_count = sizeof REFUSED / sizeof REFUSED[0],
};

/* Whoever calls by another architecture's numbers, which mean other calls, is killed. */
static const struct call_numbers *const NUMBERS[] = {
    &native_numbers,
#if defined(__x86_64__)
    &x86_32_numbers,
#endif
};

enum {
    NUMBERS_COUNT = sizeof NUMBERS / sizeof NUMBERS[0],
    MOST_OTHERS = 72, /* of a set's instructions, beside the two for each refused call */
    MOST_INSTRUCTIONS = 512
};
_Static_assert(2 + NUMBERS_COUNT * (MOST_OTHERS + 2 * MOST_REFUSED) <= MOST_INSTRUCTIONS, "they need more room");

/*
 * The parts of the filter for one set of numbers. Each finds the call's number loaded, answers its own calls, and
 * leaves the number loaded for the next part. They say how long they are.
 */

static size_t build_clones(const struct call_numbers *numbers, struct sock_filter *filter)
{
    const struct sock_filter part[] = {
        /* x32, where there is such a thing: its numbers begin there. */
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
        ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
        /* clone3's flags lie in memory, where a filter cannot look; ENOSYS makes C libraries use clone. */
        SKIP_UNLESS(numbers->clone3, 1),
        ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
        SKIP_UNLESS(numbers->clone, 4),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACE_FLAGS, 0, 1),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    return PUT(part, filter);
}

/* As a kernel answers that was built without the other families: programs then do without, and are not told of. */
static size_t build_families(const struct call_numbers *numbers, struct sock_filter *filter)
{
    const struct sock_filter part[] = {
        SKIP_IF(numbers->socket, 1),
        SKIP_UNLESS(numbers->socketpair, 13),
        LOAD(args[0]),
        SKIP_IF(AF_UNIX, 10),
        SKIP_IF(AF_INET6, 9),
        SKIP_IF(AF_INET, 4),
        SKIP_UNLESS(AF_NETLINK, 6),
        LOAD(args[2]), /* netlink(7) */
        SKIP_IF(NETLINK_ROUTE, 5),
        ANSWER(SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
        LOAD(args[1]), /* packet(7): SOCK_PACKET of AF_INET is one of AF_PACKET */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK),
        SKIP_UNLESS(SOCK_PACKET, 1),
        ANSWER(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    return PUT(part, filter);
}

/* socketcall(2): the family lies in memory, so whatever it is no socket is made by this. */
static size_t build_socketcall(const struct call_numbers *numbers, unsigned refusal, struct sock_filter *filter)
{
    const struct sock_filter part[] = {
        SKIP_UNLESS(numbers->socketcall, 5),
        LOAD(args[0]),
        SKIP_IF(SYS_SOCKET, 1),
        SKIP_UNLESS(SYS_SOCKETPAIR, 1),
        ANSWER(refusal),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    return PUT(part, filter);
}

/*
 * getrlimit(2): the limit of cores is not changed, and setting it succeeds. To what, lies in memory; but most who set it
 * want no core, there is none, and gpg and others end if they cannot. Who wants to know the old value too would be told
 * nothing, so that is an error.
 */
static size_t build_cores(const struct call_numbers *numbers, struct sock_filter *filter)
{
    const struct sock_filter part[] = {
        SKIP_UNLESS(numbers->setrlimit, 4),
        LOAD(args[0]),
        SKIP_UNLESS(RLIMIT_CORE, 1),
        ANSWER(SECCOMP_RET_ERRNO | 0),
        ANSWER(SECCOMP_RET_ALLOW),
        SKIP_UNLESS(numbers->prlimit64, 13),
        LOAD(args[1]),
        SKIP_UNLESS(RLIMIT_CORE, 10),
        LOAD(args[2]), /* the new limit: NULL in both halves, and it is not set */
        SKIP_UNLESS(0, 2),
        LOAD_HIGH(args[2]),
        SKIP_IF(0, 6),
        LOAD(args[3]), /* where the old one goes */
        SKIP_UNLESS(0, 3),
        LOAD_HIGH(args[3]),
        SKIP_UNLESS(0, 1),
        ANSWER(SECCOMP_RET_ERRNO | 0),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    return PUT(part, filter);
}

/*
 * As a file system answers that has no such attributes, by whichever call: one takes the project itself, the other the
 * flag by which what is made in a directory gets that of the directory (ioctl_iflags(2)), each of them in both sizes.
 */
static size_t build_project(const struct call_numbers *numbers, struct sock_filter *filter)
{
    const struct sock_filter part[] = {
        SKIP_UNLESS(numbers->file_setattr, 1),
        ANSWER(SECCOMP_RET_ERRNO | EOPNOTSUPP),
        SKIP_UNLESS(numbers->ioctl, 6),
        LOAD(args[1]),
        SKIP_IF(FS_IOC_FSSETXATTR, 3),
        SKIP_IF(FS_IOC_SETFLAGS, 2),
        SKIP_IF(FS_IOC32_SETFLAGS, 1),
        ANSWER(SECCOMP_RET_ALLOW),
        ANSWER(SECCOMP_RET_ERRNO | ENOTTY),
    };
    return PUT(part, filter);
}

static size_t build_refused(const struct call_numbers *numbers, unsigned refusal, struct sock_filter *filter)
{
    size_t length = 0;
    for (size_t i = 0; i < numbers->refused_count; i++) {
        filter[length++] = (struct sock_filter)SKIP_UNLESS(numbers->refused[i].number, 1);
        filter[length++] = (struct sock_filter)ANSWER(refusal);
    }
    return length;
}

/* The filter for one set of numbers, which always answers. */
static size_t build_for(const struct call_numbers *numbers, unsigned kept, unsigned refusal, struct sock_filter *filter)
{
    size_t length = 0;
    filter[length++] = (struct sock_filter)LOAD(nr);
    length += build_clones(numbers, filter + length);
    length += build_families(numbers, filter + length);
    length += build_socketcall(numbers, refusal, filter + length);
    if ((kept & SECCOMP_KEEP_CORES) != 0)
        length += build_cores(numbers, filter + length);
    if ((kept & SECCOMP_KEEP_PROJECT) != 0)
        length += build_project(numbers, filter + length);
    length += build_refused(numbers, refusal, filter + length);
    filter[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    return length;
}

static unsigned short build(unsigned kept, unsigned refusal, struct sock_filter *filter)
{
    size_t length = 0;
    filter[length++] = (struct sock_filter)LOAD(arch);
    for (size_t i = 0; i < NUMBERS_COUNT; i++) {
        struct sock_filter *is_other = &filter[length++]; /* BPF_JA reaches any distance, JEQ 255 */
        struct sock_filter *to_next = &filter[length++];
        size_t part = build_for(NUMBERS[i], kept, refusal, filter + length);
        *is_other = (struct sock_filter)SKIP_IF(NUMBERS[i]->arch, 1);
        *to_next = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (unsigned)part);
        length += part;
    }
    filter[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
    return (unsigned short)length;
}

int seccomp_refuse_dangerous(unsigned kept, int *listener)
{
    struct sock_filter filter[MOST_INSTRUCTIONS];
    const struct sock_fprog program = {.len = build(kept, SECCOMP_RET_USER_NOTIF, filter), .filter = filter};
    *listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (*listener >= 0)
        return 0;
    /* Before Linux 5.0, or below a filter that has a listener already. */
    (void)build(kept, SECCOMP_RET_ERRNO | EPERM, filter);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? errno : 0;
}

static const char *name_of(const struct seccomp_data *call)
{
    for (size_t i = 0; i < NUMBERS_COUNT; i++) {
        if (NUMBERS[i]->arch != call->arch)
            continue;
        if ((unsigned)call->nr == NUMBERS[i]->socketcall)
            return "socketcall";
        for (size_t j = 0; j < NUMBERS[i]->refused_count; j++) {
            if (NUMBERS[i]->refused[j].number == (unsigned)call->nr)
                return NUMBERS[i]->refused[j].name;
        }
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
    return name_of(&request.call.data);
}

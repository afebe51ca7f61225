/*
 * The filter of system calls by itself. Each test has a process put it on, and answers for it as a launcher does.
 * Prints "N passed, N failed" and exits 0 only if nothing failed.
 *
 * Nothing here is done by root, and what is to be refused is called with arguments by which it could do nothing if it
 * were not: each is -1, a pointer to nowhere, a descriptor of nothing, an unknown flag.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/packet.h"
#include "../src/seccomp.h"
#include "calls.h"

enum { PATIENCE_MS = 60000, PATIENCE_SECONDS = 60, FILE_SETATTR = 469, NOBODY = 65534, MOST_TOLD = 128, SOCKETCALL_32 = 102 };

#define NOWHERE (-1UL)
#define ABOVE (1UL << 32) /* what the kernel does not see of an int */

static int passed;
static int failed;
static const char *current;
static int current_failed;
static const struct calls *calls; /* those that are tested */

#define CHECK(condition)                                                                                  \
    do {                                                                                                  \
        if (!(condition)) {                                                                               \
            printf("FAILED %s, %s\n    line %d: %s\n", current, calls->name, __LINE__, #condition);       \
            current_failed = 1;                                                                           \
        }                                                                                                 \
    } while (0)

/* --- the two sets of numbers ------------------------------------------------------------------------ */

static long make_native(unsigned number, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    long result = syscall((long)number, a, b, c, d, NOWHERE);
    return result == -1 ? -errno : result;
}

static const struct call REFUSED_NATIVE[] = {
    REFUSED_IN_BOTH,
#ifdef __NR_kexec_file_load
    CALL(kexec_file_load),
#endif
#ifdef __NR_iopl
    CALL(iopl), CALL(ioperm),
#endif
};

static const struct calls calls_native = {
    .name = "native",
    .make = make_native,
    .refused = REFUSED_NATIVE,
    .refused_count = sizeof REFUSED_NATIVE / sizeof REFUSED_NATIVE[0],
    .unshare = __NR_unshare,
    .keyctl = __NR_keyctl,
    .clone = __NR_clone,
    .clone3 = __NR_clone3,
    .socket = __NR_socket,
    .socketpair = __NR_socketpair,
    .setrlimit = __NR_setrlimit,
    .getrlimit = __NR_getrlimit,
    .prlimit64 = __NR_prlimit64,
    .ioctl = __NR_ioctl,
    .rlim_bytes = 8,
};

/* --- a process under the filter --------------------------------------------------------------------- */

static const char *told[MOST_TOLD]; /* in the order in which the kernel told of them */
static size_t told_count;

static void leave_root_and_gain_none(void)
{
    CHECK(geteuid() != 0 || (setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0));
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void answer(int listener, int child)
{
    struct pollfd fds[] = {{.fd = listener, .events = POLLIN}, {.fd = child, .events = POLLIN}};
    while (poll(fds, 2, PATIENCE_MS) > 0 && fds[1].revents == 0) {
        const char *name = seccomp_refuse_waiting(listener);
        if (name != NULL && told_count < MOST_TOLD)
            told[told_count++] = name;
    }
}

static void under_filter(unsigned kept, void (*body)(void))
{
    int pair[2], listener = -1, status = 0;
    pid_t sender;
    told_count = 0;
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE_SECONDS);
        close(pair[0]);
        leave_root_and_gain_none();
        CHECK(seccomp_refuse_dangerous(kept, &listener) == 0 && listener >= 0);
        CHECK(packet_send(pair[1], "l", 1, &listener, 1) == 0 && close(listener) == 0);
        body();
        _exit(current_failed);
    }
    close(pair[1]);
    CHECK(packet_receive(pair[0], &sender, &listener) == 'l' && listener >= 0);
    answer(listener, pair[0]);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    current_failed |= status != 0;
    close(pair[0]);
    close(listener);
}

/* --- memory that calls read and write --------------------------------------------------------------- */

static void *memory_at(void *address, int flags)
{
    void *memory = mmap(address, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

/* Where 32-bit calls can point to. */
static void *low_memory(void)
{
#if defined(__x86_64__)
    return memory_at(NULL, MAP_32BIT);
#else
    return memory_at(NULL, 0);
#endif
}

/* --- the tests -------------------------------------------------------------------------------------- */

static void make_refused(void)
{
    for (size_t i = 0; i < calls->refused_count; i++) {
        long result = calls->make(calls->refused[i].number, NOWHERE, NOWHERE, NOWHERE, NOWHERE);
        CHECK(result == -EPERM);
        if (result != -EPERM)
            printf("    %s: %ld\n", calls->refused[i].name, result);
    }
}

static void what_is_refused_is_told_of_by_its_name(void)
{
    under_filter(0, make_refused);
    CHECK(told_count == calls->refused_count);
    for (size_t i = 0; i < told_count && i < calls->refused_count; i++) {
        CHECK(strcmp(told[i], calls->refused[i].name) == 0);
        if (strcmp(told[i], calls->refused[i].name) != 0)
            printf("    %s: told of as %s\n", calls->refused[i].name, told[i]);
    }
}

static void make_clones(void)
{
    static const unsigned long namespaces[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                               CLONE_NEWUSER, CLONE_NEWPID,   CLONE_NEWNET};
    for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++)
        CHECK(calls->make(calls->clone, namespaces[i] | CLONE_SIGHAND, 0, 0, 0) == -EPERM); /* else EINVAL */
    CHECK(calls->make(calls->clone, CLONE_SIGHAND, 0, 0, 0) == -EINVAL);
    CHECK(calls->make(calls->clone3, NOWHERE, 0, 0, 0) == -ENOSYS);
}

static void no_namespace_is_made_by_clone(void)
{
    under_filter(0, make_clones);
    CHECK(told_count == 0);
}

/* Whose listener must not be taken away, and beside which there can be no other (seccomp(2)). */
static void put_another_filter_on(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = 1, .filter = &allow};
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) >= 0);
}

static void below_another_listener_the_kernel_refuses_by_itself(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        int listener = 0;
        alarm(PATIENCE_SECONDS);
        leave_root_and_gain_none();
        put_another_filter_on();
        CHECK(seccomp_refuse_dangerous(SECCOMP_KEEP_CORES, &listener) == 0 && listener == -1);
        CHECK(calls->make(calls->unshare, NOWHERE, 0, 0, 0) == -EPERM);
        CHECK(calls->make(calls->keyctl, NOWHERE, 0, 0, 0) == -EPERM);
        CHECK(calls->make(calls->socket, AF_VSOCK, SOCK_STREAM, 0, 0) == -EAFNOSUPPORT);
        _exit(current_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* --- families of sockets ---------------------------------------------------------------------------- */

static int has_family(int family)
{
    int fd = socket(family, SOCK_DGRAM, 0);
    return fd >= 0 && close(fd) == 0;
}

static long make_socket(unsigned long family, unsigned long type, unsigned long protocol)
{
    long fd = calls->make(calls->socket, family, type, protocol, 0);
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? fd : 0;
}

static void make_sockets(void)
{
    unsigned long pair = (unsigned long)low_memory();
    for (unsigned long family = 0; family < 64; family++) {
        int allowed = family == AF_UNIX || family == AF_INET || family == AF_INET6;
        long expected = family == AF_NETLINK || (allowed && has_family((int)family)) ? 0 : -EAFNOSUPPORT;
        CHECK(make_socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) == expected);
        CHECK(make_socket(ABOVE | family, SOCK_DGRAM, 0) == expected);
        expected = family == AF_UNIX ? 0 : expected == 0 ? -EOPNOTSUPP : -EAFNOSUPPORT;
        CHECK(calls->make(calls->socketpair, family, SOCK_DGRAM, 0, pair) == expected);
        if (current_failed) {
            printf("    family %lu\n", family);
            break;
        }
    }
    CHECK(make_socket(AF_INET, SOCK_STREAM, 0) == 0);
    CHECK(make_socket(AF_INET, SOCK_PACKET, 0) == -EAFNOSUPPORT); /* for the kernel: AF_PACKET, and EPERM */
    CHECK(make_socket(AF_INET, ABOVE | SOCK_PACKET | SOCK_CLOEXEC, 0x300) == -EAFNOSUPPORT);
    for (unsigned long protocol = 0; protocol < 32; protocol++)
        CHECK(make_socket(AF_NETLINK, SOCK_RAW, protocol) == (protocol == NETLINK_ROUTE ? 0 : -EPROTONOSUPPORT));
    CHECK(make_socket(AF_NETLINK, SOCK_RAW, ABOVE | NETLINK_ROUTE) == 0);
    CHECK(make_socket(AF_NETLINK, SOCK_RAW, ABOVE | NETLINK_AUDIT) == -EPROTONOSUPPORT);
}

static void other_families_are_as_if_the_kernel_had_none(void)
{
    under_filter(0, make_sockets);
    CHECK(told_count == 0);
}

#if defined(__x86_64__)
/* The family that counts is in memory: a job could change it after it was looked at. */
static void make_socketcalls(void)
{
    uint32_t *arguments = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(arguments != MAP_FAILED);
    arguments[0] = AF_UNIX;
    arguments[1] = SOCK_STREAM;
    arguments[3] = (uint32_t)(uintptr_t)(arguments + 8);
    CHECK(calls->make(SOCKETCALL_32, SYS_SOCKET, (unsigned long)arguments, 0, 0) == -EPERM);
    CHECK(calls->make(SOCKETCALL_32, ABOVE | SYS_SOCKETPAIR, (unsigned long)arguments, 0, 0) == -EPERM);
    arguments[0] = UINT32_MAX;
    CHECK(calls->make(SOCKETCALL_32, SYS_LISTEN, (unsigned long)arguments, 0, 0) == -EBADF);
}

static void no_socket_is_made_by_socketcall(void)
{
    under_filter(0, make_socketcalls);
    CHECK(told_count == 2 && strcmp(told[0], "socketcall") == 0 && strcmp(told[1], "socketcall") == 0);
}
#endif

/* --- the project of a file --------------------------------------------------------------------------- */

static const unsigned long PROJECT_CALLS[] = {FS_IOC_FSSETXATTR, FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS};
enum { PROJECT_CALL_COUNT = sizeof PROJECT_CALLS / sizeof PROJECT_CALLS[0] };

static void change_project(void)
{
    for (size_t i = 0; i < PROJECT_CALL_COUNT; i++) {
        CHECK(calls->make(calls->ioctl, NOWHERE, PROJECT_CALLS[i], NOWHERE, 0) == -ENOTTY);
        CHECK(calls->make(calls->ioctl, NOWHERE, ABOVE | PROJECT_CALLS[i], NOWHERE, 0) == -ENOTTY);
    }
    CHECK(calls->make(calls->ioctl, NOWHERE, FS_IOC_FSGETXATTR, NOWHERE, 0) == -EBADF);
    CHECK(calls->make(FILE_SETATTR, NOWHERE, NOWHERE, NOWHERE, 0) == -EOPNOTSUPP);
}

static void a_file_stays_in_its_project_by_whatever_call(void)
{
    under_filter(SECCOMP_KEEP_PROJECT, change_project);
    CHECK(told_count == 0);
}

static void ask_for_what_is_not_there(void)
{
    for (size_t i = 0; i < PROJECT_CALL_COUNT; i++)
        CHECK(calls->make(calls->ioctl, NOWHERE, PROJECT_CALLS[i], NOWHERE, 0) == -EBADF);
}

static void flags_of_files_are_set_where_no_project_counts(void)
{
    under_filter(SECCOMP_KEEP_CORES, ask_for_what_is_not_there);
}

/* --- the limit of cores ------------------------------------------------------------------------------ */

static rlim_t limit_of(__rlimit_resource_t resource)
{
    struct rlimit limit = {0, 0};
    CHECK(getrlimit(resource, &limit) == 0);
    return limit.rlim_cur;
}

static void set_limits(void)
{
    char *zero = low_memory();
    uint64_t *old = low_memory();
    unsigned long high = 0x5000UL << 32; /* whose low half is 0 */
    unsigned long new = (unsigned long)zero, was = (unsigned long)old;
    CHECK(limit_of(RLIMIT_CORE) == 1);

    CHECK(calls->make(calls->setrlimit, RLIMIT_CORE, new, 0, 0) == 0);
    CHECK(calls->make(calls->setrlimit, ABOVE | RLIMIT_CORE, new, 0, 0) == 0);
    CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, new, 0) == 0);
    CHECK(calls->make(calls->prlimit64, (unsigned long)getpid(), ABOVE | RLIMIT_CORE, new, 0) == 0);
    CHECK(limit_of(RLIMIT_CORE) == 1);
    CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, new, was) == -EPERM && old[0] == 0);
    CHECK(limit_of(RLIMIT_CORE) == 1);
    if (calls->rlim_bytes == 8) {
        CHECK(memory_at((void *)high, MAP_FIXED_NOREPLACE) == (void *)high);
        CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, high, 0) == 0);
        CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, new, high) == -EPERM);
        CHECK(limit_of(RLIMIT_CORE) == 1);
    }

    CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, 0, was) == 0 && old[0] == 1);
    memset(old, 0, 16);
    CHECK(calls->make(calls->getrlimit, RLIMIT_CORE, was, 0, 0) == 0 && *(uint32_t *)old == 1);
    CHECK(calls->make(calls->setrlimit, RLIMIT_MSGQUEUE, new, 0, 0) == 0 && limit_of(RLIMIT_MSGQUEUE) == 0);
    CHECK(calls->make(calls->prlimit64, 0, RLIMIT_MEMLOCK, new, was) == 0 && limit_of(RLIMIT_MEMLOCK) == 0);
}

/* The limit that a launcher sets, and that a process of nobody may lower. */
static void limit_cores(void)
{
    const struct rlimit one = {1, 1};
    CHECK(setrlimit(RLIMIT_CORE, &one) == 0);
}

static void a_limit_of_cores_that_is_kept_is_kept_whoever_sets_it(void)
{
    under_filter(SECCOMP_KEEP_CORES, set_limits);
    CHECK(told_count == 0);
}

static void lower_by_setrlimit(void)
{
    CHECK(limit_of(RLIMIT_CORE) == 1);
    CHECK(calls->make(calls->setrlimit, RLIMIT_CORE, (unsigned long)low_memory(), 0, 0) == 0);
    CHECK(limit_of(RLIMIT_CORE) == 0);
}

static void lower_by_prlimit(void)
{
    CHECK(limit_of(RLIMIT_CORE) == 1);
    CHECK(calls->make(calls->prlimit64, 0, RLIMIT_CORE, (unsigned long)low_memory(), 0) == 0);
    CHECK(limit_of(RLIMIT_CORE) == 0);
}

static void else_it_is_the_jobs_own_affair(void)
{
    under_filter(0, lower_by_setrlimit);
    under_filter(0, lower_by_prlimit);
}

#define RUN(test) run(#test, test)

static void run(const char *name, void (*test)(void))
{
    current = name;
    current_failed = 0;
    test();
    current_failed ? failed++ : passed++;
}

static void run_all(const struct calls *of)
{
    calls = of;
    RUN(what_is_refused_is_told_of_by_its_name);
    RUN(no_namespace_is_made_by_clone);
    RUN(below_another_listener_the_kernel_refuses_by_itself);
    RUN(other_families_are_as_if_the_kernel_had_none);
    RUN(a_file_stays_in_its_project_by_whatever_call);
    RUN(flags_of_files_are_set_where_no_project_counts);
    RUN(a_limit_of_cores_that_is_kept_is_kept_whoever_sets_it);
    RUN(else_it_is_the_jobs_own_affair);
}

#if defined(__x86_64__)
/* A kernel may have been built, or booted, without them: then whoever makes one dies. */
static int are_32_bit_calls_answered(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(calls_32.make(calls_32.unshare, 0, 0, 0, 0) == 0 ? 0 : 1);
    return waitpid(child, &status, 0) == child && WIFEXITED(status);
}
#endif

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    calls = &calls_native;
    limit_cores();
    run_all(&calls_native);
#if defined(__x86_64__)
    if (are_32_bit_calls_answered()) {
        run_all(&calls_32);
        RUN(no_socket_is_made_by_socketcall);
    } else {
        printf("    this kernel answers no 32-bit calls\n");
    }
#endif
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

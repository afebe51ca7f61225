/*
 * The filter of system calls by itself. Each test has a process put it on, and answers for it as a launcher does.
 * Prints "N passed, N failed" and exits 0 only if nothing failed.
 *
 * Nothing here is done by root, and what is to be refused is called with arguments by which it could do nothing if it
 * were not: each is -1, a pointer to nowhere, a descriptor of nothing, an unknown flag.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/packet.h"
#include "../src/seccomp.h"
#include "calls.h"

enum { PATIENCE_MS = 60000, PATIENCE_SECONDS = 60, NOBODY = 65534, MOST_TOLD = 128 };

#define NOWHERE (-1UL)

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

static void under_filter(void (*body)(void))
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
        CHECK(seccomp_refuse_dangerous(&listener) == 0 && listener >= 0);
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
    under_filter(make_refused);
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
    under_filter(make_clones);
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
        CHECK(seccomp_refuse_dangerous(&listener) == 0 && listener == -1);
        CHECK(calls->make(calls->unshare, NOWHERE, 0, 0, 0) == -EPERM);
        CHECK(calls->make(calls->keyctl, NOWHERE, 0, 0, 0) == -EPERM);
        _exit(current_failed);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
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
    run_all(&calls_native);
#if defined(__x86_64__)
    if (are_32_bit_calls_answered()) {
        run_all(&calls_32);
    } else {
        printf("    this kernel answers no 32-bit calls\n");
    }
#endif
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

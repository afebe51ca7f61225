/*
 * Deletion against an attacker who may act between any two of its system calls. Usage: remove-test LAUNCHER
 * Prints "N passed, N failed" and exits 0 only if nothing failed. Needs root, who can be somebody else too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 70000, EXCHANGE = 2 };

static const char *launcher;
static char root[64];
static int passed;
static int failed;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            printf("    line %d: %s (%s)\n", __LINE__, #condition, strerror(errno)); \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

/* A job's directory whose work has a directory "v" with something in it, and a link to the victim's. */
static void make_job(void)
{
    CHECK(chdir(root) == 0);
    CHECK(system("rm -rf job victim && mkdir -p job/work/v/x victim/x/y && : >victim/treasure && : >victim/x/treasure") == 0);
    CHECK(symlink("../../victim", "job/work/link") == 0);
    CHECK(system("chown -hR 70000:70000 job/work victim && chmod 0700 job") == 0);
}

static int victim_is_whole(void)
{
    return access("victim/treasure", F_OK) == 0 && access("victim/x/treasure", F_OK) == 0 && access("victim/x/y", F_OK) == 0;
}

static pid_t start_helper(int traced, int fd_limit)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int trash = open(root, O_RDONLY | O_DIRECTORY);
    const struct rlimit few = {(rlim_t)fd_limit, (rlim_t)fd_limit};
    if (dup2(trash, 3) != 3 || (fd_limit > 0 && setrlimit(RLIMIT_NOFILE, &few) != 0))
        _exit(99);
    if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(98);
    execl(launcher, "job-worker-remove", "--remove", "job", (char *)NULL);
    _exit(97);
}

static int helper_status(int fd_limit)
{
    int status = 0;
    pid_t pid = start_helper(0, fd_limit);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void swap(void)
{
    int work = open("job/work", O_RDONLY | O_DIRECTORY);
    if (work >= 0)
        (void)syscall(SYS_renameat2, work, "v", work, "link", EXCHANGE);
    close(work);
}

/* Runs the helper and swaps before its system call number `at`, and back after it. Returns how many it made. */
static int run_swapping_at(int at)
{
    int status = 0;
    int stops = 0;
    pid_t pid = start_helper(1, 0);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    for (;;) {
        int deliver = 0;
        if (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP) {
            if (stops == at || stops == at + 1)
                swap(); /* entry and exit are a stop each (ptrace(2), PTRACE_SYSCALL) */
            stops++;
        } else if (WIFSTOPPED(status)) {
            deliver = WSTOPSIG(status);
        } else {
            return stops;
        }
        if (ptrace(PTRACE_SYSCALL, pid, NULL, deliver) != 0 || waitpid(pid, &status, 0) != pid)
            return stops;
    }
}

static void a_swap_between_any_two_system_calls_leads_nowhere(void)
{
    int stops = 1;
    for (int at = 0; at < stops; at++) {
        make_job();
        stops = run_swapping_at(at);
        CHECK(victim_is_whole());
    }
    CHECK(stops > 20); /* it was traced */
}

static void a_helper_that_is_killed_at_any_system_call_is_followed_by_another(void)
{
    for (int at = 1; at < 60; at++) {
        int status = 0;
        make_job();
        pid_t pid = start_helper(1, 0);
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        for (int stop = 0; stop < at && WIFSTOPPED(status); stop++) {
            if (ptrace(PTRACE_SYSCALL, pid, NULL, 0) != 0 || waitpid(pid, &status, 0) != pid)
                break;
        }
        if (WIFSTOPPED(status)) {
            kill(pid, SIGKILL);
            CHECK(waitpid(pid, &status, 0) == pid);
        }
        CHECK(helper_status(0) == 0);
        CHECK(rmdir("job/work") == 0);
        CHECK(victim_is_whole());
    }
}

static void depth_costs_no_descriptors(void)
{
    make_job();
    int here = open("job/work", O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 20000; depth++) {
        CHECK(mkdirat(here, "d", 0700) == 0 && fchownat(here, "d", USER, USER, 0) == 0);
        int below = openat(here, "d", O_RDONLY | O_DIRECTORY);
        CHECK(below >= 0 && close(here) == 0);
        here = below;
    }
    close(here);
    CHECK(helper_status(10) == 0);
    CHECK(rmdir("job/work") == 0);
}

static void directories_of_any_mode_are_emptied(void)
{
    make_job();
    CHECK(system("cd job/work && mkdir -p a/b/c e/f && : >a/b/c/file && : >e/f/g && chown -R 70000:70000 a e && "
                 "chmod 0 a/b/c a/b a && chmod 0555 e/f e && chmod 0 .") == 0);
    CHECK(helper_status(0) == 0);
    CHECK(rmdir("job/work") == 0);
}

static void a_mount_below_is_left_alone(void)
{
    make_job();
    CHECK(system("mkdir job/work/v/m && mount -t tmpfs none job/work/v/m && : >job/work/v/m/file") == 0);
    CHECK(helper_status(0) == 1);
    CHECK(system("find job/work -name file | grep -q file") == 0);
    CHECK(system("umount \"$(find \"$PWD/job/work\" -name m)\"") == 0);
    CHECK(helper_status(0) == 0);
}

static void a_name_that_leads_elsewhere_is_refused(void)
{
    static const char *const NAMES[] = {"", ".", "..", "job/work", "/job", "../x"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            execl(launcher, "job-worker-remove", "--remove", NAMES[i], (char *)NULL);
            _exit(97);
        }
        CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 2);
    }
}

#define RUN(test) run(#test, test)

static void run(const char *name, void (*test)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork(); /* what a failed test has changed of this process is gone with it */
    if (pid == 0) {
        test();
        exit(0);
    }
    if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        passed++;
    } else {
        failed++;
        printf("FAILED %s\n", name);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    launcher = realpath(argv[1], NULL);
    if (geteuid() != 0) {
        printf("0 passed, 0 failed, 6 skipped\n");
        return 0;
    }
    snprintf(root, sizeof root, "/var/tmp/remove-test.XXXXXX");
    if (mkdtemp(root) == NULL || chdir(root) != 0)
        return 2;
    RUN(a_swap_between_any_two_system_calls_leads_nowhere);
    RUN(a_helper_that_is_killed_at_any_system_call_is_followed_by_another);
    RUN(depth_costs_no_descriptors);
    RUN(directories_of_any_mode_are_emptied);
    RUN(a_mount_below_is_left_alone);
    RUN(a_name_that_leads_elsewhere_is_refused);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    if (system(command) != 0)
        printf("could not remove %s\n", root);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

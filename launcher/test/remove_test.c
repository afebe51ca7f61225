/*
 * Deletion against an attacker who may act between any two of its system calls. Usage: remove-test LAUNCHER
 * Prints "N passed, N failed" and exits 0 only if nothing failed. Needs root, who can be somebody else too.
 *
 * "Helper" is the process that the server starts, "worker" its child, which is the job's user. Whatever is to happen to
 * a worker in the midst of its work happens while it is held at a system call; so no test depends on who is faster.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER = 70000, EXCHANGE = 2, FEW = 10 };

static char launcher[96]; /* where the job's user may execute it too */
static char root[64];
static const char *cgroup;
static int has_openat2 = 1; /* for the helper */
static int is_user;         /* likewise: the server is the job's own user */
static int passed;
static int failed;

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            printf("    line %d: %s (%s)\n", __LINE__, #condition, strerror(errno)); \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

/* --- a job and its victim --- */

static void sh(const char *command)
{
    errno = 0;
    if (system(command) != 0) {
        printf("    failed: %s\n", command);
        exit(1);
    }
}

/*
 * Below `root`, which all may enter: `trash`, the server's alone, with a job's directory in it; a victim, which the job's
 * user may change in any way; and a link to that.
 */
static void make_job(void)
{
    CHECK(chdir(root) == 0);
    sh("rm -rf trash victim link && ln -s \"$PWD/victim\" link && mkdir -p trash/job/work trash/job/output victim/below/deep && "
       "touch trash/job/exit trash/job/output/0.seg victim/file victim/below/file && "
       "chown -R 70000:70000 trash/job/work victim && chmod 0700 trash trash/job && chmod 0755 victim");
    if (is_user)
        sh("chown 70000:70000 trash trash/job");
}

/* By the job's user, in its working directory. */
static void job_does(const char *commands)
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir("trash/job/work") != 0 || setgid(USER) != 0 || setuid(USER) != 0)
            _exit(99);
        execl("/bin/sh", "sh", "-ec", commands, (char *)NULL);
        _exit(98);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static int victim_is_whole(void)
{
    struct stat st;
    return access("victim/file", F_OK) == 0 && access("victim/below/file", F_OK) == 0 &&
           access("victim/below/deep", F_OK) == 0 && stat("victim", &st) == 0 && (st.st_mode & 0777) == 0755;
}

static int is_emptied(void)
{
    return rmdir("trash/job/work") == 0 && access("trash/job/exit", F_OK) == 0 && access("trash/job/output/0.seg", F_OK) == 0;
}

/* --- the helper --- */

static void refuse_openat2(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        _exit(97);
}

static pid_t start_helper(const char *name, int is_traced)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    const struct rlimit few = {FEW, FEW};
    const gid_t groups[] = {0, 4};
    int trash = open("trash", O_RDONLY | O_DIRECTORY);
    if (dup2(trash, 3) != 3 || setgroups(is_user ? 0 : 2, groups) != 0 || setrlimit(RLIMIT_NOFILE, &few) != 0 || signal(SIGCHLD, SIG_IGN) == SIG_ERR)
        _exit(99);
    if (is_user && (setgid(USER) != 0 || setuid(USER) != 0))
        _exit(99);
    if (!has_openat2)
        refuse_openat2();
    if (is_traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(98);
    execl(launcher, "job-worker-remove", "--remove", name, cgroup, (char *)NULL);
    _exit(97);
}

static int end_of(pid_t helper)
{
    int status = 0;
    CHECK(helper > 0 && waitpid(helper, &status, 0) == helper);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As often as its time was up; for the disk may be slow. */
static int remove_job(void)
{
    int status;
    do
        status = end_of(start_helper("job", 0));
    while (status == ETIME);
    return status;
}

/* --- a helper whose worker is held at each system call --- */

struct trace {
    pid_t helper;
    pid_t worker;
    pid_t stopped; /* the one that is to go on; 0: none */
    int signal;    /* that it is to be given then */
    long call;     /* that the worker is about to make */
    int status;    /* of the helper, when it has ended */
};

static struct trace start_traced(void)
{
    int status = 0;
    struct trace trace = {.helper = start_helper("job", 1), .status = -1};
    CHECK(trace.helper > 0 && waitpid(trace.helper, &status, 0) == trace.helper && WIFSTOPPED(status));
    CHECK(ptrace(PTRACE_SETOPTIONS, trace.helper, NULL,
                 PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) == 0);
    trace.stopped = trace.helper;
    return trace;
}

/* That a stopped worker is about to make; -1 if it has just made one (ptrace(2), PTRACE_SYSCALL: it stops at both). */
static long system_call_of(pid_t worker)
{
    struct __ptrace_syscall_info info = {0};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, worker, (void *)sizeof info, &info) <= 0) /* it has been killed meanwhile */
        return -1;
    return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1;
}

/* Until the worker is about to make a system call, but for the many by which it drops capabilities; 0 at the helper's end. */
static int step(struct trace *trace)
{
    for (;;) {
        int status = 0;
        if (trace->stopped != 0) /* ESRCH: it has been killed meanwhile, and waitpid tells */
            CHECK(ptrace(trace->stopped == trace->helper ? PTRACE_CONT : PTRACE_SYSCALL, trace->stopped, NULL, trace->signal) == 0 ||
                  errno == ESRCH);
        trace->stopped = 0;
        pid_t pid = waitpid(-1, &status, __WALL);
        CHECK(pid > 0);
        if (WIFSTOPPED(status)) {
            int signal = WSTOPSIG(status);
            int is_system_call = signal == (SIGTRAP | 0x80);
            trace->stopped = pid;
            trace->signal = is_system_call || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
            trace->call = pid != trace->helper && is_system_call ? system_call_of(pid) : -1;
            if (trace->call >= 0 && trace->call != SYS_prctl) {
                trace->worker = pid;
                return 1;
            }
        } else if (pid == trace->helper) {
            trace->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            return 0;
        }
    }
}

/* The worker is about to read a directory for the first time: it has become what it is to be. */
static struct trace start_held_at_work(void)
{
    struct trace trace = start_traced();
    do
        CHECK(step(&trace));
    while (trace.call != SYS_getdents64);
    return trace;
}

static int end_of_traced(struct trace *trace)
{
    while (step(trace))
        continue;
    return trace->status;
}

/* --- trees --- */

static void every_kind_of_entry_goes_and_what_links_lead_to_stays(void)
{
    make_job();
    CHECK(rename("link", "trash/job/work/link") == 0);
    job_does("touch file -- -rf 'a\nb'; mkfifo fifo; ln file second; ln -s nowhere dangling; ln -s / host; mkdir empty;"
             "mkdir -p a/b/c a/b/d a/e/f; touch a/b/c/file a/b/file a/e/f/file; ln -s ../.. a/b/up; ln -s \"$PWD\" a/e/work");
    job_does("i=0; while [ $i -lt 3000 ]; do : >a/e/a-name-that-fills-more-than-one-listing-$i; i=$((i+1)); done");
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
    CHECK(victim_is_whole());
    CHECK(remove_job() == 0); /* `work` is gone */
    sh("rm -r trash/job");
    CHECK(remove_job() == 0);
}

static void directories_of_any_mode_are_emptied(void)
{
    make_job();
    job_does("mkdir -p a/b/c x/y/z; touch a/b/c/file x/y/file x/y/z/file;"
             "chmod 0 a/b/c a/b a; chmod 0555 x/y/z x/y x; chmod 0 .");
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
}

/* The helper may open FEW, and its path would be longer than PATH_MAX. */
static void depth_costs_no_descriptors(void)
{
    make_job();
    int here = open("trash/job/work", O_RDONLY | O_DIRECTORY);
    for (int depth = 0; depth < 20000; depth++) {
        CHECK(mkdirat(here, "d", 0700) == 0 && fchownat(here, "d", USER, USER, 0) == 0);
        int below = openat(here, "d", O_RDONLY | O_DIRECTORY);
        CHECK(below >= 0 && close(here) == 0);
        here = below;
    }
    CHECK(close(here) == 0);
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
}

static void a_link_in_the_place_of_work_or_the_job_is_not_followed(void)
{
    make_job();
    sh("rmdir trash/job/work && ln -s ../../victim trash/job/work && mkdir victim/work && touch victim/work/file &&"
       "ln -s ../victim trash/link");
    CHECK(remove_job() != 0);
    CHECK(end_of(start_helper("link", 0)) != 0);
    CHECK(victim_is_whole() && access("victim/work/file", F_OK) == 0);
}

static void a_name_that_leads_elsewhere_is_refused(void)
{
    static const char *const NAMES[] = {"", ".", "..", "job/work", "/job", "../x"};
    make_job();
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        CHECK(end_of(start_helper(NAMES[i], 0)) == EINVAL);
}

static void a_mount_below_is_left_alone_and_all_else_goes(void)
{
    make_job();
    job_does("mkdir -p v/m w/x; touch v/file w/x/file");
    sh("mount -t tmpfs -o mode=0777 none trash/job/work/v/m && touch trash/job/work/v/m/file");
    CHECK(remove_job() == EBUSY);
    sh("test \"$(find trash/job/work -type f -printf %f)\" = file && umount \"$PWD/trash/job/work/v/m\"");
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
}

static void a_directory_of_somebody_elses_is_told_and_all_else_goes(void)
{
    make_job();
    job_does("mkdir -p a/b; touch a/b/file");
    sh("mkdir trash/job/work/roots && touch trash/job/work/roots/file");
    CHECK(remove_job() == EPERM);
    sh("test \"$(find trash/job/work -mindepth 1 -printf %f)\" = rootsfile");
}

/* --- attacks --- */

/* Exchanges a directory with a link to the victim, which lies outside, or it would be removed before it is needed. */
static void swap(int directory, const char *name)
{
    (void)syscall(SYS_renameat2, directory, name, AT_FDCWD, "link", EXCHANGE);
}

/* Before each system call in turn, and back before the next. */
static void swap_at_each_system_call(const char *path, const char *name)
{
    int at = 0;
    int stops;
    do {
        make_job();
        job_does("mkdir -p d/below/deep; touch d/below/deep/file d/below/file d/file; chmod 0555 d/below");
        int directory = open(path, O_RDONLY | O_DIRECTORY);
        CHECK(directory >= 0);
        struct trace trace = start_traced();
        for (stops = 0; step(&trace); stops++) {
            if (stops == at || stops == at + 1)
                swap(directory, name);
        }
        CHECK(close(directory) == 0);
        CHECK(victim_is_whole());
        CHECK(remove_job() == 0);
        CHECK(victim_is_whole());
        CHECK(is_emptied());
    } while (++at < stops);
    CHECK(stops > 20); /* it was traced */
}

static void a_swap_between_any_two_system_calls_leads_nowhere(void)
{
    swap_at_each_system_call("trash/job/work", "d");
    swap_at_each_system_call("trash/job/work/d", "below");
}

static void a_worker_that_is_killed_at_any_system_call_is_followed_by_another(void)
{
    int stops;
    int at = 0;
    do {
        make_job();
        job_does("mkdir -p d/below/deep; touch d/below/file d/file");
        struct trace trace = start_traced();
        for (stops = 0; step(&trace); stops++)
            CHECK(stops != at || kill(trace.worker, SIGKILL) == 0);
        CHECK(trace.status == (stops > at ? EINTR : 0));
        CHECK(remove_job() == 0);
        CHECK(is_emptied());
        CHECK(victim_is_whole());
    } while (stops > at++);
    CHECK(at > 20); /* it was traced */
}

static void a_worker_that_is_stopped_is_told_and_another_goes_on(void)
{
    make_job();
    job_does("mkdir -p a/b; touch a/b/file");
    struct trace trace = start_held_at_work();
    CHECK(kill(trace.worker, SIGSTOP) == 0); /* which it meets before it can do anything else */
    CHECK(ptrace(PTRACE_DETACH, trace.worker, NULL, 0) == 0);
    trace.stopped = 0;
    CHECK(end_of_traced(&trace) == EINTR);
    CHECK(kill(trace.worker, 0) != 0 && errno == ESRCH);
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
}

static void one_who_keeps_making_entries_gets_no_more_than_a_runs_time(void)
{
    make_job();
    struct trace trace = start_traced();
    while (step(&trace))
        CHECK(mkdir("trash/job/work/again", 0700) == 0 || errno == EEXIST);
    CHECK(trace.status == ETIME);
    CHECK(remove_job() == 0);
    CHECK(is_emptied());
}

/* --- what a worker is --- */

/* All of /proc/PID/NAME. */
static const char *told_of(pid_t pid, const char *name)
{
    static char text[8192];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void the_worker_is_the_jobs_user_without_any_privilege(void)
{
    static const char *const LINES[] = {
        "\nUid:\t70000\t70000\t70000\t70000\n", "\nGid:\t70000\t70000\t70000\t70000\n", "\nGroups:\t \n",
        "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n", "\nCapEff:\t0000000000000000\n",
        "\nCapBnd:\t0000000000000000\n", "\nCapAmb:\t0000000000000000\n", "\nNoNewPrivs:\t1\n",
    };
    make_job();
    struct trace trace = start_held_at_work();
    const char *status = told_of(trace.worker, "status");
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        CHECK(strstr(status, LINES[i]) != NULL);
    char command[256];
    snprintf(command, sizeof command, "test \"$(readlink /proc/%d/fd/* | sort -u | tr '\\n' ' ')\" = \"/dev/null $PWD/trash/job/work \"",
             trace.worker);
    sh(command);
    CHECK(end_of_traced(&trace) == 0);
}

/* Where the user changes the kernel sees to it by default (proc(5), suid_dumpable); so it shows as the job's user. */
static void the_worker_cannot_be_traced_by_its_own_user(void)
{
    char path[64];
    struct stat st;
    make_job();
    struct trace trace = start_held_at_work();
    snprintf(path, sizeof path, "/proc/%d/environ", trace.worker);
    CHECK(stat(path, &st) == 0 && st.st_uid == 0); /* proc(5): of a process that is not dumpable */
    CHECK(end_of_traced(&trace) == 0);
}

static void the_worker_is_born_in_its_cgroup(void)
{
    static const char *const MOUNTS[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    char path[96];
    char line[96];
    snprintf(path, sizeof path, "%s/cgroup.procs", MOUNTS[0]);
    const char *mounted = access(path, W_OK) == 0 ? MOUNTS[0] : MOUNTS[1];
    snprintf(line, sizeof line, "0::/remove-test-%d\n", getpid());
    snprintf(path, sizeof path, "%s/remove-test-%d", mounted, getpid());
    if (mkdir(path, 0700) != 0)
        return; /* there is no cgroup v2 here */
    make_job();
    cgroup = path;
    struct trace trace = start_held_at_work();
    CHECK(strstr(told_of(trace.worker, "cgroup"), line) != NULL);
    CHECK(end_of_traced(&trace) == 0);
    CHECK(rmdir(path) == 0);
    CHECK(remove_job() == 0); /* without a cgroup rather than not at all */
    CHECK(is_emptied());
}

/* --- running --- */

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
        printf("FAILED %s%s%s\n", name, is_user ? ", as the job's user" : "", has_openat2 ? "" : ", without openat2");
    }
}

#define RUN(test) run(#test, test)

int main(int argc, char **argv)
{
    char command[512];
    if (argc != 2)
        return 2;
    if (geteuid() != 0) {
        printf("0 passed, 0 failed, all skipped\n");
        return 0;
    }
    snprintf(root, sizeof root, "/dev/shm/remove-test.XXXXXX"); /* a hundred trees and more take long on a disk */
    snprintf(launcher, sizeof launcher, "/var/tmp/remove-test.XXXXXX");
    if (mkdtemp(root) == NULL || chmod(root, 0755) != 0 || mkdtemp(launcher) == NULL)
        return 2;
    snprintf(command, sizeof command, "cp '%s' %s/launcher && chmod -R 0755 %s", argv[1], launcher, launcher);
    if (system(command) != 0)
        return 2;
    strcat(launcher, "/launcher");
    for (is_user = 0; is_user <= 1; is_user++) {
        RUN(every_kind_of_entry_goes_and_what_links_lead_to_stays);
        RUN(directories_of_any_mode_are_emptied);
        RUN(a_link_in_the_place_of_work_or_the_job_is_not_followed);
        RUN(the_worker_cannot_be_traced_by_its_own_user);
    }
    is_user = 0;
    RUN(depth_costs_no_descriptors);
    RUN(a_name_that_leads_elsewhere_is_refused);
    RUN(a_mount_below_is_left_alone_and_all_else_goes);
    RUN(a_directory_of_somebody_elses_is_told_and_all_else_goes);
    RUN(a_worker_that_is_killed_at_any_system_call_is_followed_by_another);
    RUN(a_worker_that_is_stopped_is_told_and_another_goes_on);
    RUN(one_who_keeps_making_entries_gets_no_more_than_a_runs_time);
    RUN(the_worker_is_the_jobs_user_without_any_privilege);
    RUN(the_worker_is_born_in_its_cgroup);
    for (has_openat2 = 0; has_openat2 <= 1; has_openat2++) {
        RUN(a_link_in_the_place_of_work_or_the_job_is_not_followed);
        RUN(a_swap_between_any_two_system_calls_leads_nowhere);
    }
    snprintf(command, sizeof command, "rm -rf %s %s", root, dirname(launcher));
    if (chdir("/") != 0 || system(command) != 0)
        printf("could not remove %s\n", root);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

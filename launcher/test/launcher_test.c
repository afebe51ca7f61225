/*
 * Behaviour of the launcher binary, seen from where the server stands. Usage: launcher-test BINARY PIPE-HOLDER
 * Prints "N passed, N failed" and exits 0 only if nothing failed. In the environment: ONLY=PART of a test's name,
 * TIMES=1 for what each takes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/feeder.h"
#include "../src/page.h"
#include "counted.h"

enum {
    PATIENCE_MS = 60000,
    DRAIN_PATIENCE_MS = 5000,
    HELD_BYTES = 4096 /* pipe_holder.c */
};

static const char *binary;
static const char *holder;
static char root[64];
static int passed;
static int failed;
static const char *current;
static int current_failed;

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            printf("FAILED %s\n    line %d: %s\n", current, __LINE__, #condition);            \
            current_failed = 1;                                                              \
        }                                                                                    \
    } while (0)

struct job {
    char dir[96];
    int control;
    long monitor;
    long main_pid;
    struct page *page; /* NULL: not handed over yet */
    int wake;
    int input; /* the last connection to the feeder; -1: there was none */
    char answer[160]; /* the last message */
};

/* --- talking to the launcher ------------------------------------------------------------------ */

static const char *receive_any(struct job *job)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec data = {.iov_base = job->answer, .iov_len = sizeof job->answer - 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct pollfd pfd = {.fd = job->control, .events = POLLIN};
    memset(job->answer, 0, sizeof job->answer);
    if (poll(&pfd, 1, PATIENCE_MS) != 1 || recvmsg(job->control, &message, MSG_CMSG_CLOEXEC) < 0) {
        job->answer[0] = '\0';
        return job->answer;
    }
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        int fds[2];
        if (header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof job->input))
            memcpy(&job->input, CMSG_DATA(header), sizeof job->input);
        if (header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof fds))
            continue;
        memcpy(fds, CMSG_DATA(header), sizeof fds);
        job->page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        close(fds[0]);
        job->wake = fds[1];
    }
    return job->answer;
}

/* The next message that is not the one with the page. */
static const char *receive(struct job *job)
{
    while (strcmp(receive_any(job), "2 output") == 0)
        continue;
    return job->answer;
}

static void tell(const struct job *job, const char *text)
{
    CHECK(send(job->control, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static int sheet_of(const char *bytes, size_t length)
{
    int fd = memfd_create("sheet", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, length) != (ssize_t)length)
        abort();
    return fd;
}

static void (*in_launcher)(void); /* what is strange about the process that becomes one */

static void spawn(struct job *job, int sheet)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    pid_t stub = fork();
    if (stub == 0) {
        int high_sheet = fcntl(sheet, F_DUPFD, 64);
        int high_control = fcntl(pair[1], F_DUPFD, 64);
        if (dup2(high_sheet, 3) < 0 || dup2(high_control, 4) < 0)
            _exit(99);
        setenv("LEAKED_BY_THE_SERVER", "1", 1);
        signal(SIGTERM, SIG_IGN);
        if (in_launcher != NULL)
            in_launcher();
        execl(binary, "job-worker-launcher", (char *)NULL);
        _exit(98);
    }
    close(pair[1]);
    close(sheet);
    job->control = pair[0];
    while (waitpid(stub, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static void (*before_launch)(const struct job *); /* the directory is there, and nothing else */

/* Launches with the given extra entries ("key=value", NULL at the end) beside dir and cwd. */
static void launch(struct job *job, ...)
{
    static int count;
    char text[8192];
    size_t length = 0;
    memset(job, 0, sizeof *job);
    snprintf(job->dir, sizeof job->dir, "%s/%d", root, ++count);
    if (mkdir(job->dir, 0700) != 0)
        abort();
    if (before_launch != NULL)
        before_launch(job);
    length += (size_t)sprintf(text + length, "version=2%cdir=%s%ccwd=%s%cretain=1048576%c", 0, job->dir, 0, job->dir, 0, 0);
    va_list entries;
    va_start(entries, job);
    for (const char *entry; (entry = va_arg(entries, const char *)) != NULL;) {
        memcpy(text + length, entry, strlen(entry) + 1);
        length += strlen(entry) + 1;
    }
    va_end(entries);
    spawn(job, sheet_of(text, length));
    if (sscanf(receive(job), "2 hello %ld", &job->monitor) == 1)
        sscanf(receive(job), "2 started %ld", &job->main_pid);
}

#define SHELL(job, script) launch(job, "arg=/bin/sh", "arg=-c", "arg=" script, "env=PATH=/usr/bin:/bin", NULL)

/* Waits for the launcher itself, which is our child although its parent was the stub. */
static int launcher_ended(const struct job *job)
{
    int status = 0;
    for (int waited = 0; waited < PATIENCE_MS; waited += 5) {
        if (waitpid((pid_t)job->monitor, &status, WNOHANG) == (pid_t)job->monitor)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        poll(NULL, 0, 5);
    }
    return -2;
}

/* The launcher leaves by itself once the end is recorded. */
static void collect(struct job *job)
{
    CHECK(launcher_ended(job) == 0);
    close(job->control);
    close(job->wake);
    if (job->page != NULL)
        munmap(job->page, PAGE_BYTES);
}

static long recorded(const struct job *job, const char *key)
{
    char path[128];
    char line[128];
    char name[64];
    long value = -1;
    snprintf(path, sizeof path, "%s/exit", job->dir);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -1000;
    while (fgets(line, sizeof line, file) != NULL) {
        long number = 0;
        if (sscanf(line, "%63s %ld", name, &number) == 2 && strcmp(name, key) == 0)
            value = number;
    }
    fclose(file);
    return value;
}

static int record_says(const struct job *job, const char *wanted)
{
    char path[128];
    char text[2048] = {0};
    snprintf(path, sizeof path, "%s/exit", job->dir);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return n > 0 && strstr(text, wanted) != NULL;
}

/* All that is kept of a stream. */
static const char *output(const struct job *job, const char *name)
{
    static char text[1 << 20];
    char path[128];
    struct read_log log;
    snprintf(path, sizeof path, "%s/output", job->dir);
    text[0] = '\0';
    if (!read_log(&log, path, strcmp(name, "stdout") == 0 ? 1 : 2) || log.length >= sizeof text)
        return text;
    memcpy(text, log.text, log.length + 1);
    free_log(&log);
    return text;
}

static int life_lock_held(const struct job *job)
{
    char path[128];
    snprintf(path, sizeof path, "%s/life", job->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int held = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid == job->monitor;
    if (fd >= 0)
        close(fd);
    return held;
}

/* --- the tests -------------------------------------------------------------------------------- */

static void an_exit_code_is_recorded(void)
{
    struct job job;
    SHELL(&job, "exit 3");
    CHECK(job.main_pid > 0);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "version") == 2);
    CHECK(recorded(&job, "exit_code") == 3);
    CHECK(recorded(&job, "signal") == 0);
    CHECK(recorded(&job, "main_pid") == job.main_pid);
    CHECK(recorded(&job, "ended_at_ns") >= recorded(&job, "started_at_ns"));
    CHECK(record_says(&job, "cause none\n"));
    collect(&job);
}

static void death_by_sigkill_is_not_exit_code_137(void)
{
    struct job killed, exited;
    SHELL(&killed, "kill -9 $$");
    SHELL(&exited, "exit 137");
    receive(&killed);
    receive(&exited);
    CHECK(recorded(&killed, "exit_code") == -1);
    CHECK(recorded(&killed, "signal") == SIGKILL);
    CHECK(recorded(&exited, "exit_code") == 137);
    CHECK(recorded(&exited, "signal") == 0);
    collect(&killed);
    collect(&exited);
}

/* What the link "started" in the job's directory says; "" if it is none. */
static const char *mark_of(const struct job *job)
{
    static char text[64];
    char path[128];
    snprintf(path, sizeof path, "%s/started", job->dir);
    ssize_t n = readlink(path, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void check_refused(const char *program, int error)
{
    struct job job;
    char entry[160];
    char answer[64];
    snprintf(entry, sizeof entry, "arg=%s", program);
    launch(&job, entry, "env=PATH=/usr/bin:/bin", NULL);
    snprintf(answer, sizeof answer, "2 failed exec %d", error);
    CHECK(strcmp(job.answer, answer) == 0);
    CHECK(launcher_ended(&job) == 1);
    CHECK(waitpid(-1, NULL, WNOHANG | (int)__WALL) < 0 && errno == ECHILD); /* and left us nobody */
    CHECK(recorded(&job, "version") == -1000);
    CHECK(strcmp(mark_of(&job), answer + strlen("2 failed ")) == 0); /* it was not executed, and that is certain */
    close(job.control);
}

static void a_program_that_cannot_run_fails_the_start_with_its_errno(void)
{
    char plain[128];
    snprintf(plain, sizeof plain, "%s/not-executable", root);
    int fd = open(plain, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    close(fd);
    check_refused("/no/such/program", ENOENT);
    check_refused("no-such-program-on-the-path", ENOENT);
    check_refused("", ENOENT);
    check_refused("/tmp", EACCES);
    check_refused(plain, EACCES);
}

static void the_mark_is_there_before_the_program_runs(void)
{
    struct job job;
    SHELL(&job, "test -f started && ! test -L started && test ! -s started && exit 5");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 5);
    collect(&job);
}

static void a_step_that_fails_before_the_mark_leaves_none(void)
{
    struct job job;
    char path[128];
    launch(&job, "arg=/bin/true", "stdin=/no/such/file", NULL);
    CHECK(strcmp(job.answer, "2 failed stdin 2") == 0);
    CHECK(launcher_ended(&job) == 1);
    snprintf(path, sizeof path, "%s/started", job.dir);
    CHECK(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT);
    close(job.control);
}

static void give_up(const struct job *job)
{
    char path[128];
    snprintf(path, sizeof path, "%s/started", job->dir);
    CHECK(symlink("given-up", path) == 0);
}

static void check_not_executed(struct job *job)
{
    char answer[64], path[128];
    snprintf(answer, sizeof answer, "2 failed mark %d", EEXIST);
    CHECK(strcmp(job->answer, answer) == 0);
    CHECK(launcher_ended(job) == 1);
    CHECK(waitpid(-1, NULL, WNOHANG | (int)__WALL) < 0 && errno == ECHILD);
    CHECK(strcmp(mark_of(job), "given-up") == 0);
    snprintf(path, sizeof path, "%s/executed", job->dir);
    CHECK(access(path, F_OK) != 0);
    close(job->control);
}

static void a_launch_that_was_given_up_executes_nothing_and_leaves_nobody(void)
{
    struct job job, isolated;
    before_launch = give_up;
    SHELL(&job, "touch executed");
    check_not_executed(&job);
    if (geteuid() == 0) {
        launch(&isolated, "arg=/bin/true", "cwd=/", "isolate=1", "seccomp=1", "uid=65534", "gid=65534", NULL);
        check_not_executed(&isolated);
    }
    before_launch = NULL;
}

static void name_another_attempt(const struct job *job)
{
    char path[128];
    snprintf(path, sizeof path, "%s/slot", job->dir);
    CHECK(symlink("second", path) == 0);
}

static void a_launcher_touches_nothing_in_the_directory_of_another_attempt(void)
{
    struct job job;
    char answer[64];
    before_launch = name_another_attempt;
    launch(&job, "arg=/bin/true", "attempt=first", NULL);
    snprintf(answer, sizeof answer, "2 failed monitor %d", ESTALE);
    CHECK(strcmp(job.answer, answer) == 0);
    CHECK(launcher_ended(&job) == 1);
    char slot[128];
    snprintf(slot, sizeof slot, "%s/slot", job.dir);
    CHECK(unlink(slot) == 0 && rmdir(job.dir) == 0); /* there is nothing else */
    close(job.control);

    launch(&job, "arg=/bin/true", "attempt=second", NULL);
    CHECK(job.main_pid > 0 && strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
    before_launch = NULL;
}

static void a_file_without_an_interpreter_line_is_not_handed_to_a_shell(void)
{
    char script[128];
    snprintf(script, sizeof script, "%s/no-shebang", root);
    int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    CHECK(fd >= 0 && write(fd, "echo hello\n", 11) == 11);
    close(fd);
    check_refused(script, ENOEXEC);
}

static void write_program(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void check_told(const char *program, const char *path, const char *told)
{
    struct job job;
    char arg[512], answer[512];
    snprintf(arg, sizeof arg, "arg=%s", program);
    launch(&job, arg, path, NULL);
    snprintf(answer, sizeof answer, "2 failed exec %s", told);
    CHECK(strcmp(job.answer, answer) == 0);
    if (strcmp(job.answer, answer) != 0)
        printf("    %s\n", job.answer);
    CHECK(launcher_ended(&job) == 1);
    close(job.control);
}

/* And this is told only of a program that is there, and that the job may read. */
static void the_interpreter_that_is_missing_is_named(void)
{
    char direct[128], nested[128], blank[128], text[160], path[160];
    snprintf(direct, sizeof direct, "%s/no-interpreter", root);
    snprintf(nested, sizeof nested, "%s/interpreted-by-it", root);
    snprintf(blank, sizeof blank, "%s/no-name", root);
    snprintf(text, sizeof text, "#!%s -x\n", direct);
    snprintf(path, sizeof path, "env=PATH=/nowhere:%s:/usr/bin", root);
    write_program(direct, "#! /no/such -a b\r\nsecret\n");
    write_program(nested, text);
    write_program(blank, "#!/no/such\r\n");
    check_told(direct, path, "2 /no/such");
    check_told(nested, path, "2 /no/such");
    check_told("no-interpreter", path, "2 /no/such");
    check_told(blank, path, "2 /no/such\r");
    check_told("/no/such", path, "2");
    CHECK(unlink(direct) == 0);
    snprintf(text, sizeof text, "2 %s", direct);
    check_told(nested, path, text);
}

/* A program of its own for an ELF file that names an interpreter is not at hand everywhere: ours is changed. */
static void the_interpreter_that_is_missing_is_named_of_an_elf_file_too(void)
{
    static char image[1 << 22];
    char copy[128];
    FILE *self = fopen("/proc/self/exe", "re");
    size_t length = self != NULL ? fread(image, 1, sizeof image, self) : 0;
    CHECK(length > 0 && length < sizeof image && fclose(self) == 0);
    char *name = memmem(image, length < 4096 ? length : 4096, "/ld-", 4);
    CHECK(name != NULL);
    if (name == NULL)
        return;
    name[1] = 'x';
    while (name[-1] != '\0')
        name--;
    snprintf(copy, sizeof copy, "%s/no-loader", root);
    int fd = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    CHECK(fd >= 0 && write(fd, image, length) == (ssize_t)length && close(fd) == 0);
    char told[160];
    snprintf(told, sizeof told, "2 %s", name);
    check_told(copy, "env=PATH=/bin", told);
}

/* A directory that cannot be walked to has no such program, whatever the reason. */
static void the_search_goes_on_behind_a_directory_that_is_broken(void)
{
    struct job job;
    char loop[128], path[1024], name[NAME_MAX + 2];
    snprintf(loop, sizeof loop, "%s/loop", root);
    CHECK(symlink(loop, loop) == 0);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(path, sizeof path, "env=PATH=%s:/%s:/dev/null:/usr/bin:/bin", loop, name);
    launch(&job, "arg=true", path, NULL);
    CHECK(job.main_pid > 0 && strcmp(receive(&job), "2 ended") == 0);
    if (job.main_pid > 0)
        collect(&job);
    check_told("no-such-program", path, "2");
    check_told(loop, path, "40"); /* ELOOP, where nothing is searched */
    check_told(name, path, "36"); /* ENAMETOOLONG */
}

static void a_program_that_is_denied_is_told_of_only_if_there_is_no_other(void)
{
    struct job job;
    char dir[96], plain[128], path[160];
    snprintf(dir, sizeof dir, "%s/denied", root);
    snprintf(plain, sizeof plain, "%s/true", dir);
    CHECK(mkdir(dir, 0700) == 0);
    int fd = open(plain, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    snprintf(path, sizeof path, "env=PATH=%s:/usr/bin:/bin", dir);
    launch(&job, "arg=true", path, NULL);
    CHECK(job.main_pid > 0 && strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
    snprintf(path, sizeof path, "env=PATH=%s:/nowhere", dir);
    check_told("true", path, "13");
}

static void the_jobs_own_path_is_searched(void)
{
    struct job job;
    char dir[96];
    char link[128];
    char path[192];
    snprintf(dir, sizeof dir, "%s/tools", root);
    snprintf(link, sizeof link, "%s/my-echo", dir);
    snprintf(path, sizeof path, "env=PATH=/nowhere:%s", dir);
    CHECK(mkdir(dir, 0700) == 0 && symlink("/bin/echo", link) == 0);
    launch(&job, "arg=my-echo", "arg=found", path, NULL);
    receive(&job);
    CHECK(strcmp(output(&job, "stdout"), "found\n") == 0);
    collect(&job);
}

static void the_job_gets_a_clean_environment_signals_and_descriptors(void)
{
    struct job job;
    launch(&job, "arg=/bin/sh", "arg=-c",
           "arg=/usr/bin/env; ls /proc/self/fd; grep -E 'Sig(Ign|Blk)' /proc/self/status; cat /proc/self/oom_score_adj; umask",
           "env=PATH=/usr/bin:/bin", "env=A=b c", NULL);
    receive(&job);
    const char *text = output(&job, "stdout");
    CHECK(strstr(text, "LEAKED_BY_THE_SERVER") == NULL);
    CHECK(strstr(text, "A=b c\n") != NULL);
    CHECK(strstr(text, "\n0\n1\n2\n3\nSig") != NULL); /* 3 is ls's own */
    CHECK(strstr(text, "SigBlk:\t0000000000000000") != NULL);
    CHECK(strstr(text, "SigIgn:\t0000000000000000") != NULL);
    CHECK(strstr(text, "\n0\n0077\n") != NULL);
    collect(&job);
}

static void both_streams_arrive_apart_and_merged_on_request(void)
{
    struct job apart, merged;
    SHELL(&apart, "echo out; echo err >&2");
    receive(&apart);
    CHECK(strcmp(output(&apart, "stdout"), "out\n") == 0);
    CHECK(strcmp(output(&apart, "stderr"), "err\n") == 0);
    collect(&apart);
    launch(&merged, "arg=/bin/sh", "arg=-c", "arg=echo out; echo err >&2; echo out", "merge=1", NULL);
    receive(&merged);
    CHECK(strcmp(output(&merged, "stdout"), "out\nerr\nout\n") == 0);
    collect(&merged);
}

static void stop_kills_the_whole_tree_at_once(void)
{
    struct job job;
    SHELL(&job, "setsid sh -c '(sleep 1000 & sleep 1000)' & (setsid sleep 1000 &) ; trap '' TERM; echo up; sleep 1000");
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0); /* sent only when the launcher has no child left */
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause stop\n"));
    collect(&job);
}

static void a_grace_lets_the_job_leave_by_itself(void)
{
    struct job job;
    SHELL(&job, "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done");
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 stop 15 15000");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(record_says(&job, "cause stop\n"));
    CHECK(strcmp(output(&job, "stdout"), "up\nbye\n") == 0);
    collect(&job);
}

static void a_grace_that_is_not_used_ends_in_sigkill(void)
{
    struct job job;
    SHELL(&job, "trap '' TERM; echo up; while :; do sleep 0.05; done");
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 stop 15 100");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause stop\n"));
    collect(&job);
}

static void a_signal_alone_is_the_jobs_own_affair(void)
{
    struct job job;
    SHELL(&job, "trap 'echo caught; exit 7' HUP; echo up; while :; do sleep 0.05; done");
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 signal 1");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(record_says(&job, "cause none\n"));
    CHECK(strcmp(output(&job, "stdout"), "up\ncaught\n") == 0);
    collect(&job);
}

static void what_the_main_process_leaves_behind_is_killed(void)
{
    struct job job;
    SHELL(&job, "setsid sleep 1000 & (sleep 1000 &); exit 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 0);
    collect(&job);
}

static void a_time_out_needs_no_server(void)
{
    struct job job;
    launch(&job, "arg=/bin/sleep", "arg=1000", "timeout-ms=50", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause timeout\n"));
    collect(&job);
}

/* The earlier end counts: a minute of grace outlasts no time-out. */
static void a_grace_cancels_no_time_out(void)
{
    struct job job;
    launch(&job, "arg=/bin/sh", "arg=-c", "arg=trap '' TERM; echo up; while :; do read x </dev/zero; done",
           "timeout-ms=4000", NULL);
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 stop 15 3600000");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause stop\n")); /* which came first */
    collect(&job);
}

/* Nor does a program that core_pattern names, for which a limit of 0 is none (core(5)). */
static void without_cores_nobody_gets_the_memory_of_what_crashes(void)
{
    struct job job;
    const char *script = "arg=while read -r a b c d soft hard rest; do [ $b = core ] && echo $soft $hard; done </proc/self/limits";
    launch(&job, "arg=/bin/sh", "arg=-c", script, "rlimit=core:0:unlimited", NULL);
    receive(&job);
    CHECK(strcmp(output(&job, "stdout"), "1 unlimited\n") == 0);
    collect(&job);
}

static void resource_limits_are_set(void)
{
    struct job job;
    launch(&job, "arg=/bin/sh", "arg=-c", "arg=ulimit -n; ulimit -Hc", "rlimit=nofile:77:88", "rlimit=core:0:0", NULL);
    receive(&job);
    CHECK(strcmp(output(&job, "stdout"), "77\n0\n") == 0);
    collect(&job);
}

static int reconnect(struct job *job)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control", job->dir);
    job->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    return connect(job->control, (struct sockaddr *)&address, sizeof address);
}

static void a_job_goes_on_and_ends_without_a_server(void)
{
    struct job job;
    char expected[64];
    SHELL(&job, "while [ ! -e go ]; do sleep 0.02; done; echo late; exit 5");
    close(job.control);
    CHECK(life_lock_held(&job));
    CHECK(reconnect(&job) == 0);
    snprintf(expected, sizeof expected, "2 hello %ld", job.monitor);
    CHECK(strcmp(receive(&job), expected) == 0);
    CHECK(strcmp(receive_any(&job), "2 output") == 0);
    snprintf(expected, sizeof expected, "2 started %ld", job.main_pid);
    CHECK(strcmp(receive(&job), expected) == 0);
    close(job.control);

    char go[128];
    snprintf(go, sizeof go, "%s/go", job.dir);
    close(open(go, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    for (int waited = 0; waited < PATIENCE_MS && recorded(&job, "exit_code") != 5; waited += 5)
        poll(NULL, 0, 5);
    CHECK(launcher_ended(&job) == 0); /* it waits for nobody */
    CHECK(strcmp(output(&job, "stdout"), "late\n") == 0);
    CHECK(recorded(&job, "log_end") == 5);
    CHECK(recorded(&job, "log_complete") == 1);
    CHECK(!life_lock_held(&job));
    munmap(job.page, PAGE_BYTES);
}

/* It was slow, and then its server died with something said that it has not heard. */
static void what_a_dead_server_has_said_keeps_no_other_out(void)
{
    struct job job;
    char expected[64];
    launch(&job, "arg=/bin/sleep", "arg=1000", NULL);
    CHECK(kill((pid_t)job.monitor, SIGSTOP) == 0);
    tell(&job, "2 look");
    close(job.control);
    CHECK(reconnect(&job) == 0);
    CHECK(kill((pid_t)job.monitor, SIGCONT) == 0);
    snprintf(expected, sizeof expected, "2 hello %ld", job.monitor);
    CHECK(strcmp(receive(&job), expected) == 0);
    CHECK(strcmp(receive_any(&job), "2 output") == 0);
    CHECK(strncmp(receive(&job), "2 started ", 10) == 0);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(record_says(&job, "cause stop\n"));
    collect(&job);
}

/* Nor is it lost with what that server has not read (unix(7): that resets the connection). */
static void a_stop_is_heard_although_who_said_it_has_gone(void)
{
    struct job job;
    launch(&job, "arg=/bin/sleep", "arg=1000", NULL);
    close(job.control);
    CHECK(reconnect(&job) == 0);
    struct pollfd unread = {.fd = job.control, .events = POLLIN};
    CHECK(poll(&unread, 1, PATIENCE_MS) == 1);
    CHECK(kill((pid_t)job.monitor, SIGSTOP) == 0);
    tell(&job, "2 stop 9 0");
    close(job.control);
    CHECK(kill((pid_t)job.monitor, SIGCONT) == 0);
    CHECK(launcher_ended(&job) == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause stop\n"));
    munmap(job.page, PAGE_BYTES);
}

static void check_bad_sheet(const char *bytes, size_t length, int error)
{
    struct job job = {0};
    char answer[64];
    spawn(&job, sheet_of(bytes, length));
    snprintf(answer, sizeof answer, "2 failed sheet %d", error);
    CHECK(strcmp(receive(&job), answer) == 0);
    close(job.control);
}

static void a_sheet_that_is_not_understood_is_refused(void)
{
#define BAD(text, error) check_bad_sheet(text, sizeof text, error)
#define GOOD "version=2\0dir=/tmp\0cwd=/tmp\0retain=65536\0arg=ls\0"
    BAD("version=1\0dir=/tmp\0cwd=/tmp\0retain=65536\0arg=ls", EPROTONOSUPPORT);
    BAD("version=3\0dir=/tmp\0cwd=/tmp\0retain=65536\0arg=ls", EPROTONOSUPPORT);
    BAD("dir=/tmp", EPROTONOSUPPORT);
    BAD("version=2\0dir=/tmp\0cwd=/tmp\0retain=65536", EINVAL);
    BAD("version=2\0dir=/tmp\0cwd=/tmp\0arg=ls", EINVAL);
    BAD(GOOD "surprise=1", EINVAL);
    BAD(GOOD "timeout-ms=-1", EINVAL);
    BAD(GOOD "timeout-ms=1x", EINVAL);
    BAD(GOOD "timeout-ms= 1", EINVAL);
    BAD(GOOD "timeout-ms=+1", EINVAL);
    BAD(GOOD "rlimit=nofile", EINVAL);
    BAD(GOOD "rlimit=what:1:1", EINVAL);
    BAD(GOOD "no equals sign", EINVAL);
    /* A value that is not known is no "no". */
    BAD(GOOD "isolate=1\0network=bridge", EINVAL);
    BAD(GOOD "isolate=yes", EINVAL);
    BAD(GOOD "merge=0", EINVAL);
    BAD(GOOD "seccomp=2", EINVAL);
    BAD(GOOD "isolate=1\0read-only=true", EINVAL);
    BAD(GOOD "scratch=1048576", EINVAL);
    BAD(GOOD "isolate=1\0scratch=-1", EINVAL);
    BAD(GOOD "isolate=1\0read-only=1\0work=/tmp\0cwd=/tmp/work\0disk=-1", EINVAL);
    BAD(GOOD "isolate=1\0read-only=1\0work=/tmp\0disk=1048576", EINVAL); /* it could write to another directory */
    BAD(GOOD "isolate=1\0work=/tmp\0cwd=/tmp/work\0disk=1048576", EINVAL);
    BAD(GOOD "isolate=1\0read-only=1\0cwd=/tmp/work\0disk=1048576", EINVAL);
    BAD(GOOD "isolate=1\0read-only=1\0work=/tmp\0cwd=/tmp/work\0disk-in-memory=1", EINVAL);
    BAD(GOOD "block=", EINVAL);
    check_bad_sheet("version=2\0arg=unterminated", 26, EINVAL);
    check_bad_sheet("", 0, EMSGSIZE);
}

static void a_failed_step_before_the_job_is_named(void)
{
    struct job job;
    launch(&job, "arg=/bin/true", "stdin=/no/such/file", NULL);
    CHECK(strcmp(job.answer, "2 failed stdin 2") == 0);
    launcher_ended(&job);
    launch(&job, "cwd=/no/such/dir", "arg=/bin/true", NULL);
    CHECK(strcmp(job.answer, "2 failed chdir 2") == 0);
    launcher_ended(&job);
    launch(&job, "cgroup=/no/such/cgroup", "arg=/bin/true", NULL);
    CHECK(strcmp(job.answer, "2 failed cgroup 2") == 0);
    launcher_ended(&job);
}

/* --- the job's output, under attack ------------------------------------------------------------- */

static long long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        for (long long until = now_ms() + PATIENCE_MS; !(condition) && now_ms() < until;)          \
            poll(NULL, 0, 1);                                                                      \
        CHECK(condition);                                                                          \
    } while (0)

static pid_t find_helper(const struct job *job, const char *wanted)
{
    char path[64];
    char name[32] = "";
    long pid = 0;
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", job->monitor, job->monitor);
    FILE *children = fopen(path, "re");
    if (children == NULL)
        return 0;
    while (strcmp(name, wanted) != 0 && fscanf(children, "%ld", &pid) == 1) {
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        FILE *comm = fopen(path, "re");
        if (comm == NULL || fgets(name, sizeof name, comm) == NULL)
            name[0] = '\0';
        if (comm != NULL)
            fclose(comm);
    }
    fclose(children);
    return strcmp(name, wanted) == 0 ? (pid_t)pid : 0;
}

/* The launcher's child that reads the pipes, once it has its name; a PID that nobody has if there is none. */
static pid_t capture_of(const struct job *job)
{
    pid_t pid = 0;
    AWAIT((pid = find_helper(job, "jw-capture\n")) != 0);
    return pid != 0 ? pid : INT32_MAX;
}

/* We are the subreaper of whatever the launcher leaves behind. */
static int is_gone(long pid)
{
    if (pid <= 1)
        return 0;
    (void)waitpid((pid_t)pid, NULL, WNOHANG | (int)__WALL);
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Killed, and has given back its memory already (proc_pid_status(5)). */
static int is_dying(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 1;
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    fclose(file);
    return strstr(text, "VmSize") == NULL;
}

static int is_in_splice(long pid)
{
    char path[64];
    long call = -1;
    snprintf(path, sizeof path, "/proc/%ld/syscall", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%ld", &call) != 1)
        call = -1;
    fclose(file);
    return call == SYS_splice;
}

/* Waits until somebody who has this PID holds the pipe; returns whether capture waits for it meanwhile. */
static int is_held_by(const struct job *job, long pid)
{
    AWAIT(is_in_splice(pid));
    for (int looks = 0; looks < 200; looks++) {
        uint64_t since = atomic_load(&job->page->reading_since_ms);
        poll(NULL, 0, 1);
        if (since != 0 && atomic_load(&job->page->reading_since_ms) == since && looks > 10)
            return 1;
    }
    return 0; /* it has read before the pipe was locked */
}

static char holder_entry[160];    /* as a program */
static char holder_variable[160]; /* for a script */

static int count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -1;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void servers_that_come_and_go_leave_nothing_in_a_launcher(void)
{
    struct job job;
    launch(&job, "arg=/bin/sleep", "arg=1000", NULL);
    int before = 0;
    for (int i = 0; i < 50; i++) {
        close(job.control);
        CHECK(reconnect(&job) == 0);
        struct pollfd heard = {.fd = job.control, .events = POLLIN};
        CHECK(poll(&heard, 1, PATIENCE_MS) == 1);
        if (i == 0)
            before = count_descriptors((pid_t)job.monitor); /* it is done with all that its start took */
    }
    CHECK(before > 0);
    AWAIT(count_descriptors((pid_t)job.monitor) == before);
    CHECK(kill((pid_t)job.main_pid, SIGKILL) == 0);
    CHECK(launcher_ended(&job) == 0);
    close(job.control);
    munmap(job.page, PAGE_BYTES);
}

static int is_zombie(long pid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    int found = fscanf(file, "%*d (%*[^)]) %c", &state);
    fclose(file);
    return found == 1 && state == 'Z';
}

/* Launches a job that leaves with 7 at SIGUSR1 and with 8 at SIGTERM, and has so long for all it does. */
static long long launch_with_time(struct job *job, long long time_ms)
{
    char time[48];
    snprintf(time, sizeof time, "timeout-ms=%lld", time_ms);
    launch(job, "arg=/bin/sh", "arg=-c",
           "arg=trap 'exit 7' USR1; trap 'exit 8' TERM; echo up; while :; do :; done", time,
           "timeout-grace-ms=3600000", NULL);
    long long over = now_ms() + time_ms;
    while (now_ms() < over && strcmp(output(job, "stdout"), "up\n") != 0)
        poll(NULL, 0, 1);
    return over;
}

/* Its launcher hears of both at once. */
static void an_exit_that_comes_before_a_time_out_with_a_grace_is_an_exit(void)
{
    int in_time = 0;
    for (long long time_ms = 300; !in_time && !current_failed; time_ms *= 2) { /* a busy machine needs more */
        struct job job;
        long long over = launch_with_time(&job, time_ms);
        CHECK(kill((pid_t)job.monitor, SIGSTOP) == 0);
        (void)kill((pid_t)job.main_pid, SIGUSR1); /* there may be none any more, if it is too late */
        AWAIT(is_zombie(job.main_pid) || now_ms() > over);
        in_time = is_zombie(job.main_pid) && now_ms() < over;
        AWAIT(now_ms() > over + 20);
        CHECK(kill((pid_t)job.monitor, SIGCONT) == 0);
        CHECK(strcmp(receive(&job), "2 ended") == 0);
        CHECK(!in_time || (recorded(&job, "exit_code") == 7 && record_says(&job, "cause none\n")));
        collect(&job);
    }
}

static void a_time_out_with_a_grace_that_the_job_uses_is_a_time_out(void)
{
    int used = 0;
    for (long long time_ms = 100; !used && !current_failed; time_ms *= 2) {
        struct job job;
        (void)launch_with_time(&job, time_ms);
        CHECK(strcmp(receive(&job), "2 ended") == 0);
        CHECK(record_says(&job, "cause timeout\n"));
        used = recorded(&job, "signal") == 0; /* else SIGTERM came before it was ready for that */
        CHECK(!used || recorded(&job, "exit_code") == 8);
        collect(&job);
    }
}

/* A job that locks its pipe while there is something in it, and capture is at it. */
static void launch_holding(struct job *job, const char *more)
{
    for (int tries = 0; tries < 50; tries++) {
        launch(job, holder_entry, "arg=hold", more, NULL);
        if (is_held_by(job, job->main_pid))
            return;
        if (strncmp(more, "timeout", 7) != 0)
            tell(job, "2 stop 9 0");
        receive(job);
        collect(job);
    }
    CHECK(!"capture was stuck");
}

static void a_job_that_holds_its_own_pipe_is_stopped_at_once_and_its_log_is_whole(void)
{
    struct job job;
    launch_holding(&job, "env=A=1");
    pid_t capture = capture_of(&job);
    for (int i = 0; i < 2000; i++) /* more than capture's socket holds */
        (void)send(job.control, "2 look", 6, MSG_NOSIGNAL);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(record_says(&job, "cause stop\n"));
    CHECK(recorded(&job, "log_end") == HELD_BYTES);
    CHECK(recorded(&job, "log_kept") == HELD_BYTES);
    CHECK(recorded(&job, "log_complete") == 1);
    CHECK(atomic_load(&job.page->state) == PAGE_FINISHED);
    CHECK(atomic_load(&job.page->reading_since_ms) == 0);
    AWAIT(is_gone(job.main_pid) && is_gone(capture));
    collect(&job);
}

static void a_job_that_holds_its_own_pipe_is_timed_out(void)
{
    struct job job;
    launch_holding(&job, "timeout-ms=500");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(record_says(&job, "cause timeout\n"));
    CHECK(recorded(&job, "log_end") == HELD_BYTES);
    CHECK(recorded(&job, "log_complete") == 1);
    collect(&job);
}

/* A job that gives its stdout to a process outside of it, which does so with it. */
static pid_t launch_with_stranger(struct job *job, const char *what)
{
    static int count;
    char socket_path[96], entry[112];
    snprintf(socket_path, sizeof socket_path, "%s/stranger-%d", root, ++count);
    snprintf(entry, sizeof entry, "arg=%s", socket_path);
    pid_t stranger = fork();
    if (stranger == 0) {
        execl(holder, "pipe-holder", "take", socket_path, what, (char *)NULL);
        _exit(98);
    }
    AWAIT(access(socket_path, F_OK) == 0);
    launch(job, holder_entry, "arg=pass", entry, NULL);
    return stranger;
}

static void a_stranger_who_holds_the_pipe_delays_the_end_by_so_much_at_most(void)
{
    /* With bytes in it, so that capture is in its read already; and without, so that it meets the lock at the end. */
    struct job jobs[2];
    pid_t strangers[2], captures[2];
    for (int tries = 0; tries < 50; tries++) {
        strangers[0] = launch_with_stranger(&jobs[0], "hold");
        if (is_held_by(&jobs[0], strangers[0]))
            break;
        kill(strangers[0], SIGKILL);
        tell(&jobs[0], "2 stop 9 0");
        receive(&jobs[0]);
        collect(&jobs[0]);
        waitpid(strangers[0], NULL, 0);
    }
    strangers[1] = launch_with_stranger(&jobs[1], "hold-empty");
    AWAIT(is_in_splice(strangers[1]));
    long long start = now_ms();
    for (int i = 0; i < 2; i++) {
        captures[i] = capture_of(&jobs[i]);
        tell(&jobs[i], "2 stop 15 15000");
    }
    for (int i = 0; i < 2; i++) {
        struct job *job = &jobs[i];
        CHECK(strcmp(receive(job), "2 ended") == 0);
        CHECK(now_ms() - start >= DRAIN_PATIENCE_MS - 100);
        CHECK(recorded(job, "exit_code") == 7);
        CHECK(recorded(job, "log_complete") == 0);
        CHECK(recorded(job, "log_end") == 0);
        CHECK(atomic_load(&job->page->state) == PAGE_GIVEN_UP);
        CHECK(launcher_ended(job) == 0);
        CHECK(!is_gone(captures[i]));
        kill(strangers[i], SIGKILL);
        waitpid(strangers[i], NULL, 0);
        AWAIT(is_gone(captures[i]));
        CHECK(atomic_load(&job->page->state) == PAGE_GIVEN_UP); /* whatever it found to do still */
        CHECK(atomic_load(&job->page->end) == 0);
        close(job->control);
        close(job->wake);
        munmap(job->page, PAGE_BYTES);
    }
}

static void a_stranger_who_writes_for_ever_does_not_keep_the_job_from_ending(void)
{
    struct job job;
    pid_t stranger = launch_with_stranger(&job, "flood");
    AWAIT(atomic_load(&job.page->end) > 1000000);
    pid_t capture = capture_of(&job);
    tell(&job, "2 stop 15 15000");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(recorded(&job, "log_complete") == 1);
    CHECK((uint64_t)recorded(&job, "log_end") == atomic_load(&job.page->end));
    collect(&job);
    AWAIT(is_gone(capture));
    AWAIT(is_gone(stranger)); /* nobody reads any more: EPIPE */
}

static void a_capture_that_is_killed_while_the_pipe_is_held_does_not_deafen_its_launcher(void)
{
    struct job job;
    launch(&job, holder_entry, "arg=hold-empty", NULL);
    AWAIT(is_in_splice(job.main_pid));
    pid_t capture = capture_of(&job);
    kill(capture, SIGKILL); /* whose exit closes the pipe, and waits for that */
    AWAIT(is_dying(capture));
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "log_complete") == 0);
    if (strcmp(job.answer, "2 ended") != 0)
        kill((pid_t)job.main_pid, SIGKILL);
    collect(&job);
}

static void a_capture_that_is_killed_ends_a_job_that_writes_and_the_record_says_so(void)
{
    struct job job;
    launch(&job, holder_entry, "arg=count", "arg=1000000000", "arg=merged", NULL);
    AWAIT(atomic_load(&job.page->end) > 100000);
    kill(capture_of(&job), SIGKILL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGPIPE);
    CHECK(recorded(&job, "log_complete") == 0);
    CHECK((uint64_t)recorded(&job, "log_end") == atomic_load(&job.page->end));
    CHECK(atomic_load(&job.page->state) == PAGE_GIVEN_UP);
    collect(&job);
}

static void check_counted(const char *retain, const char *streams, const char *merge)
{
    enum { LINES = 125000 };
    struct job job;
    struct read_log log;
    char path[128];
    launch(&job, retain, merge, holder_entry, "arg=count", "arg=125000", strcmp(streams, "two") == 0 ? "arg=two" : "arg=merged", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(recorded(&job, "log_complete") == 1);
    CHECK(recorded(&job, "log_end") == LINES * LINE_BYTES);
    snprintf(path, sizeof path, "%s/output", job.dir);
    CHECK(read_log(&log, path, 3));
    CHECK(log.end == LINES * LINE_BYTES);
    CHECK((long)log.kept == recorded(&job, "log_kept"));
    CHECK(log.records > 0 && log.frames[0].start + log.kept == log.end);
    CHECK(log.frames[0].start == atomic_load(&job.page->oldest));
    const char *last = "0124999\n"; /* on two streams what comes last is the rest of the other one, perhaps */
    CHECK(strcmp(streams, "two") == 0 || (log.length >= LINE_BYTES && strcmp(log.text + log.length - LINE_BYTES, last) == 0));
    CHECK(strcmp(streams, "two") == 0 || lines_are_right(&log));
    free_log(&log);
    collect(&job);
}

static void the_last_line_is_kept_and_nothing_is_unaccounted_for(void)
{
    static const char *const rings[] = {"retain=40960", "retain=65536", "retain=131072"};
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
            check_counted(rings[i], "one", "env=A=1");
            check_counted(rings[i], "two", "env=A=1");
            check_counted(rings[i], "two and merged", "merge=1");
        }
    }
}

/* Whether what is kept of one stream is the end of its numbered lines, without a gap. */
static int is_the_end_of_the_lines(const struct read_log *log, uint64_t lines)
{
    uint64_t start = lines * LINE_BYTES - log->length;
    char line[LINE_BYTES + 1];
    for (size_t i = 0; i < log->length; i++) {
        snprintf(line, sizeof line, "%07lu\n", (unsigned long)((start + i) / LINE_BYTES % 10000000));
        if (log->text[i] != line[(start + i) % LINE_BYTES])
            return 0;
    }
    return log->length > 0 || lines == 0;
}

/*
 * A job whose pipes are both full, because capture was kept from reading, and which has ended or waits: more than the
 * ring holds. Of each stream the end is there, in proportion to what was in its pipe, and all of the ring is used.
 */
static void check_full_pipes(const char *retain, const char *block, const char *script, uint64_t out_lines,
                             uint64_t err_lines)
{
    struct job job;
    struct read_log both, out, err;
    char path[128], fifo[96], input[112];
    static int count;
    snprintf(fifo, sizeof fifo, "%s/full-%d", root, ++count);
    snprintf(input, sizeof input, "stdin=%s", fifo);
    CHECK(mkfifo(fifo, 0600) == 0);
    int go = open(fifo, O_RDWR | O_CLOEXEC);
    launch(&job, retain, block, input, "arg=/bin/sh", "arg=-c", script, holder_variable, NULL);
    atomic_store(&job.page->mark, 0); /* for a log that waits: no reader has passed anything */
    pid_t capture = capture_of(&job);
    CHECK(kill(capture, SIGSTOP) == 0);
    CHECK(write(go, "\n", 1) == 1);
    uint64_t total = (out_lines + err_lines) * LINE_BYTES;
    snprintf(path, sizeof path, "%s/full", job.dir);
    if (strstr(script, ">full") == NULL) {
        AWAIT(is_gone(job.main_pid)); /* which the launcher reaps */
        CHECK(kill(capture, SIGCONT) == 0);
    } else {
        AWAIT(access(path, F_OK) == 0);
        CHECK(kill(capture, SIGCONT) == 0);
        AWAIT(atomic_load(&job.page->end) == total);
        CHECK(write(go, "\n", 1) == 1);
    }
    close(go);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    uint64_t kept = (uint64_t)recorded(&job, "log_kept");
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(recorded(&job, "log_complete") == 1);
    CHECK((uint64_t)recorded(&job, "log_end") == total);
    CHECK(atomic_load(&job.page->lost) == 0);
    snprintf(path, sizeof path, "%s/output", job.dir);
    CHECK(read_log(&both, path, 3) && read_log(&out, path, 1) && read_log(&err, path, 2));
    CHECK(both.end == total && both.kept == kept && out.length + err.length == kept);
    CHECK(both.frames[0].start == total - kept && both.frames[0].start == atomic_load(&job.page->oldest));
    for (unsigned i = 1; i < both.records; i++)
        CHECK(both.frames[i].start == both.frames[i - 1].end);
    CHECK(is_the_end_of_the_lines(&out, out_lines) && is_the_end_of_the_lines(&err, err_lines));
    uint64_t data = (uint64_t)atol(retain + 7) / 5 * 4; /* of a ring whose indices are whole */
    int is_whole = total <= data || strcmp(block, "block=1") == 0;
    CHECK(is_whole ? kept == total : kept + data / 8 >= data && kept <= data);
    /* An eighth for what was in which segment. */
    CHECK(out.length + data / 8 >= kept * out_lines / (out_lines + err_lines));
    CHECK(err.length + data / 8 >= kept * err_lines / (out_lines + err_lines));
    free_log(&both);
    free_log(&out);
    free_log(&err);
    collect(&job);
}

static void of_two_full_pipes_and_a_smaller_ring_the_end_of_each_stream_is_kept(void)
{
    static const char *const rings[] = {"retain=40960", "retain=81920", "retain=655360"};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++) {
        check_full_pipes(rings[i], "env=A=1", "arg=read go; $H count 50000 merged; $H count 50000 merged >&2", 50000, 50000);
        check_full_pipes(rings[i], "env=A=1", "arg=read go; $H count 50000 merged; $H count 5000 merged >&2", 50000, 5000);
        check_full_pipes(rings[i], "env=A=1", "arg=read go; $H count 20000 merged >&2; $H count 50000 merged", 50000, 20000);
        check_full_pipes(rings[i], "env=A=1", "arg=read go; $H count 50000 merged >&2", 0, 50000);
    }
    check_full_pipes("retain=4096000", "env=A=1", "arg=read go; $H count 50000 merged; $H count 50000 merged >&2", 50000, 50000);
}

static void of_two_full_pipes_all_is_kept_where_nothing_may_be_overwritten(void)
{
    check_full_pipes("retain=40960", "block=1", "arg=read go; $H count 50000 merged; $H count 50000 merged >&2", 50000, 50000);
    check_full_pipes("retain=40960", "block=1", "arg=read go; $H count 5000 merged >&2; $H count 50000 merged", 50000, 5000);
}

/* By a stranger who holds its stderr, when it is too late to read that. */
static void the_rest_of_stdout_is_kept_although_stderr_is_held(void)
{
    struct job job;
    char socket_path[96], entry[112];
    snprintf(socket_path, sizeof socket_path, "%s/holds-stderr", root);
    snprintf(entry, sizeof entry, "env=S=%s", socket_path);
    pid_t stranger = fork();
    if (stranger == 0) {
        execl(holder, "pipe-holder", "take", socket_path, "hold-empty", (char *)NULL);
        _exit(98);
    }
    AWAIT(access(socket_path, F_OK) == 0);
    launch(&job, "retain=8388608", "arg=/bin/sh", "arg=-c", "arg=trap 'echo rest; exit 7' TERM; $H pass $S >&2 & wait",
           holder_variable, entry, NULL);
    AWAIT(is_in_splice(stranger));
    pid_t capture = capture_of(&job);
    CHECK(kill(capture, SIGSTOP) == 0);
    tell(&job, "2 stop 15 15000");
    AWAIT(is_gone(job.main_pid));
    CHECK(kill(capture, SIGCONT) == 0);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    CHECK(recorded(&job, "log_complete") == 0);
    CHECK(recorded(&job, "log_end") == 5);
    CHECK(strcmp(output(&job, "stdout"), "rest\n") == 0);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
    AWAIT(is_gone(capture));
    collect(&job);
}

static void two_full_pipes_of_a_job_that_lives_are_read_in_turn(void)
{
    check_full_pipes("retain=655360", "env=A=1",
                     "arg=read go; $H count 50000 merged; $H count 50000 merged >&2; >full; read end; exit 7", 50000, 50000);
}

static void a_launcher_whose_directory_is_removed_takes_its_job_along_and_leaves_nothing(void)
{
    struct job silent, loud;
    char command[160], path[128];
    SHELL(&silent, "sleep 1000");
    pid_t capture = capture_of(&silent);
    snprintf(path, sizeof path, "%s/life", silent.dir);
    CHECK(unlink(path) == 0);
    CHECK(launcher_ended(&silent) == 1);
    AWAIT(is_gone(silent.main_pid) && is_gone(capture));
    CHECK(recorded(&silent, "version") == -1000);
    launch(&loud, "retain=40960", holder_entry, "arg=count", "arg=1000000000", "arg=merged", NULL);
    capture = capture_of(&loud);
    AWAIT(atomic_load(&loud.page->end) > 100000);
    snprintf(command, sizeof command, "rm -rf %s 2>/dev/null", loud.dir);
    AWAIT(system(command) == 0); /* not at once: the job writes meanwhile */
    CHECK(launcher_ended(&loud) == 1);
    AWAIT(is_gone(loud.main_pid) && is_gone(capture));
    CHECK(access(loud.dir, F_OK) != 0);
    close(silent.control);
    close(loud.control);
}

static void move_away(const struct job *job, char moved[128])
{
    snprintf(moved, 128, "%s-moved", job->dir);
    CHECK(rename(job->dir, moved) == 0);
}

/* Moved, as a server does that forgets it, and not removed: nobody will look for the job there. */
static void a_launcher_whose_directory_is_moved_away_takes_its_job_along_when_anything_happens(void)
{
    struct job asked, over, replaced, emptied;
    char moved[128], path[160];

    SHELL(&asked, "sleep 1000");
    pid_t capture = capture_of(&asked);
    move_away(&asked, moved);
    tell(&asked, "2 look");
    CHECK(launcher_ended(&asked) == 1);
    AWAIT(is_gone(asked.main_pid) && is_gone(capture));
    snprintf(path, sizeof path, "%s/exit", moved);
    CHECK(access(path, F_OK) != 0);

    char fifo[96], entry[112];
    snprintf(fifo, sizeof fifo, "%s/ends", root);
    snprintf(entry, sizeof entry, "stdin=%s", fifo);
    CHECK(mkfifo(fifo, 0600) == 0);
    int ends = open(fifo, O_RDWR | O_CLOEXEC);
    launch(&over, entry, "arg=/bin/sh", "arg=-c", "arg=read line; exit 3", "env=PATH=/usr/bin:/bin", NULL);
    move_away(&over, moved);
    CHECK(write(ends, "\n", 1) == 1);
    CHECK(launcher_ended(&over) == 1);
    snprintf(path, sizeof path, "%s/exit", moved);
    CHECK(access(path, F_OK) != 0); /* it would be found where it belongs to nobody */
    close(ends);

    SHELL(&replaced, "sleep 1000");
    move_away(&replaced, moved);
    CHECK(mkdir(replaced.dir, 0700) == 0); /* of the same name, and another's */
    tell(&replaced, "2 look");
    CHECK(launcher_ended(&replaced) == 1);
    AWAIT(is_gone(replaced.main_pid));
    CHECK(rmdir(replaced.dir) == 0);

    SHELL(&emptied, "sleep 1000");
    move_away(&emptied, moved);
    snprintf(path, sizeof path, "%s/life", moved);
    CHECK(unlink(path) == 0);
    CHECK(launcher_ended(&emptied) == 1);
    AWAIT(is_gone(emptied.main_pid));
    close(asked.control);
    close(over.control);
    close(replaced.control);
    close(emptied.control);
}

/* Whoever moves all there is to another disk leaves a link. */
static void a_launcher_whose_directory_is_found_by_a_link_stays(void)
{
    struct job job;
    char moved[128];
    SHELL(&job, "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done");
    snprintf(moved, sizeof moved, "%s-moved", job.dir);
    CHECK(symlink(moved, moved) == 0);
    /* At once, for it may look in between. */
    CHECK(renameat2(AT_FDCWD, job.dir, AT_FDCWD, moved, RENAME_EXCHANGE) == 0);
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&job, "2 look");
    tell(&job, "2 stop 15 15000");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 7);
    collect(&job);
}

static void wherever_launcher_and_capture_are_killed_readers_see_right_bytes_only(void)
{
    for (unsigned round = 0; round < 30; round++) {
        struct job job;
        struct read_log log;
        char path[128];
        launch(&job, "retain=40960", holder_entry, "arg=count", "arg=1000000000", "arg=merged", NULL);
        pid_t capture = capture_of(&job);
        uint64_t enough = 100000 + round * 7919;
        for (long long until = now_ms() + PATIENCE_MS; atomic_load(&job.page->end) < enough && now_ms() < until;)
            continue;
        kill(round % 2 == 0 ? (pid_t)job.monitor : capture, SIGKILL);
        kill(round % 2 == 0 ? capture : (pid_t)job.monitor, SIGKILL);
        AWAIT(is_gone(job.monitor) && is_gone(capture) && is_gone(job.main_pid));
        snprintf(path, sizeof path, "%s/output", job.dir);
        CHECK(read_log(&log, path, 3));
        CHECK(lines_are_right(&log));
        uint64_t end = atomic_load(&job.page->end);
        CHECK(log.end >= end && log.end <= end + 256 * 1024);
        CHECK(log.records == 0 || log.frames[0].start <= atomic_load(&job.page->oldest));
        CHECK(log.records == 0 || log.frames[0].start + log.kept == log.end);
        free_log(&log);
        close(job.control);
        close(job.wake);
        munmap(job.page, PAGE_BYTES);
    }
}

static int read_live_of(const struct job *job, unsigned file)
{
    char path[128];
    snprintf(path, sizeof path, "%s/output", job->dir);
    int seen = read_live(job->page, path, file);
    CHECK(seen >= 0);
    return seen > 0;
}

static void a_reader_that_is_overtaken_knows_it(void)
{
    struct job job;
    launch(&job, "retain=40960", holder_entry, "arg=count", "arg=1000000000", "arg=merged", NULL);
    int seen = 0;
    for (long long until = now_ms() + 1500; now_ms() < until;) {
        for (unsigned file = 0; file < 8; file++)
            seen += read_live_of(&job, file);
    }
    CHECK(seen > 0);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
}

static void no_wake_up_is_lost(void)
{
    struct job job;
    char fifo[96], entry[112];
    snprintf(fifo, sizeof fifo, "%s/asks", root);
    snprintf(entry, sizeof entry, "stdin=%s", fifo);
    CHECK(mkfifo(fifo, 0600) == 0);
    int asks = open(fifo, O_RDWR | O_CLOEXEC);
    launch(&job, entry, holder_entry, "arg=answer", NULL);
    unsigned spin = 1, usual = 0; /* so many looks pass until the line is there */
    uint64_t seen = 0, wakes = 0;
    long long until = now_ms() + 4000;
    for (int i = 0; i < 200000 && now_ms() < until && !current_failed; i++) {
        CHECK(write(asks, "?", 1) == 1);
        /* One line at a time, so that none is told by the next one's wake-up; and waited for as it comes. */
        unsigned looks = 0;
        if (i % 16 == 0) {
            while (seen == atomic_load(&job.page->end) && looks < 10000000)
                looks++;
            usual = i == 0 ? looks : (3 * usual + looks) / 4;
            seen = atomic_load(&job.page->end);
            continue;
        }
        spin = spin * 1103515245 + 12345;
        for (unsigned most = usual / 2 + (spin >> 16) % (usual + 1); looks < most && atomic_load(&job.page->end) == seen;)
            looks++;
        while (seen == atomic_load(&job.page->end)) {
            atomic_store(&job.page->waiting, 1);
            if (seen != atomic_load(&job.page->end))
                break;
            struct pollfd wake = {.fd = job.wake, .events = POLLIN};
            uint64_t ignored;
            CHECK(poll(&wake, 1, PATIENCE_MS) == 1);
            if (current_failed || read(job.wake, &ignored, sizeof ignored) != (ssize_t)sizeof ignored)
                break;
            wakes++;
        }
        seen = atomic_load(&job.page->end);
    }
    CHECK(wakes > 100);
    CHECK(seen % LINE_BYTES == 0);
    close(asks); /* which ends the job */
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
}

/* --- stdin while the job runs ------------------------------------------------------------------- */

static int connect_input(struct job *job)
{
    job->input = -1;
    tell(job, "2 input");
    CHECK(strcmp(receive(job), "2 input") == 0);
    return job->input;
}

/* What the feeder says next; all zeroes when the connection has gone. */
static struct feeder_report heard(int input)
{
    struct feeder_report report = {0};
    struct pollfd pfd = {.fd = input, .events = POLLIN};
    ssize_t n = poll(&pfd, 1, PATIENCE_MS) == 1 ? recv(input, &report, sizeof report, MSG_DONTWAIT) : -1;
    if (n < 0 && errno == ECONNRESET) /* it has gone with packets unread; what it has said comes after that */
        n = recv(input, &report, sizeof report, MSG_DONTWAIT);
    if (n != (ssize_t)sizeof report)
        memset(&report, 0, sizeof report);
    return report;
}

/* Whether the feeder comes to say just that. */
static int hears(int input, enum feeder_kind kind, uint64_t taken)
{
    struct feeder_report report;
    do
        report = heard(input);
    while (report.kind != 0 && (report.kind != kind || report.taken != taken));
    return report.kind == kind && report.limit == taken + FEEDER_WINDOW_BYTES;
}

static int feed(int input, uint64_t offset, const void *bytes, size_t length)
{
    static char packet[sizeof(struct feeder_header) + FEEDER_PACKET_BYTES];
    const struct feeder_header header = {FEEDER_BYTES, offset};
    memcpy(packet, &header, sizeof header);
    memcpy(packet + sizeof header, bytes, length);
    return send(input, packet, sizeof header + length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)(sizeof header + length);
}

static int feed_end(int input, uint64_t offset)
{
    const struct feeder_header header = {FEEDER_END, offset};
    return send(input, &header, sizeof header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof header;
}

static void what_is_sent_reaches_the_job_and_the_end_is_its_end_of_file(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/cat", NULL);
    int input = connect_input(&job);
    CHECK(hears(input, FEEDER_OPEN, 0));
    CHECK(feed(input, 0, "hello ", 6) && hears(input, FEEDER_OPEN, 6));
    CHECK(feed(input, 6, "job\n", 4) && feed_end(input, 10));
    CHECK(hears(input, FEEDER_ENDED, 10));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "hello job\n") == 0);
    CHECK(recorded(&job, "exit_code") == 0);
    close(input);
    collect(&job);
}

static void an_end_without_a_byte_is_an_end(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/usr/bin/wc", "arg=-c", NULL);
    int input = connect_input(&job);
    CHECK(feed_end(input, 0) && hears(input, FEEDER_ENDED, 0));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "0\n") == 0);
    close(input);
    collect(&job);
}

static void a_job_without_a_stream_has_no_connection_to_give(void)
{
    struct job job;
    launch(&job, "arg=/bin/sleep", "arg=1000", NULL);
    CHECK(connect_input(&job) == -1);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
}

static void a_job_that_never_reads_takes_a_pipe_full_and_is_stopped_at_once(void)
{
    static const char bytes[FEEDER_PACKET_BYTES];
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/sleep", "arg=1000", NULL);
    int input = connect_input(&job);
    CHECK(heard(input).kind == FEEDER_OPEN);
    uint64_t sent = 0;
    while (feed(input, sent, bytes, sizeof bytes))
        sent += sizeof bytes;
    CHECK(sent >= FEEDER_WINDOW_BYTES); /* a window fits: whoever keeps to it never waits */
    struct feeder_report report = heard(input);
    CHECK(report.kind == FEEDER_OPEN && report.taken > 0 && report.taken <= FEEDER_PACKET_BYTES);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    do
        report = heard(input);
    while (report.kind == FEEDER_OPEN);
    CHECK(report.kind == FEEDER_OVER || report.kind == FEEDER_CLOSED);
    CHECK(report.taken <= FEEDER_PACKET_BYTES);
    CHECK(heard(input).kind == 0);
    close(input);
    collect(&job);
}

static void a_job_that_closes_its_stdin_is_told_although_nothing_is_sent(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/sh", "arg=-c", "arg=exec sleep 1000 <&-", "env=PATH=/usr/bin:/bin", NULL);
    int input = connect_input(&job);
    CHECK(hears(input, FEEDER_CLOSED, 0));
    CHECK(feed(input, 0, "x", 1)); /* it had been on its way */
    close(input);
    CHECK(hears(connect_input(&job), FEEDER_CLOSED, 0));
    close(job.input);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    collect(&job);
}

/* proc_pid_stat(5) */
static char state_of(long pid)
{
    char path[64], state = '?';
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return '?';
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    fclose(file);
    return state;
}

/* A job that reads nothing until it is told to go on, with a connection that was heard once. */
static int launch_stopped(struct job *job)
{
    launch(job, "stdin-stream=1", "arg=/bin/sh", "arg=-c", "arg=kill -STOP $$; exec cat", "env=PATH=/usr/bin:/bin", NULL);
    int input = connect_input(job);
    CHECK(hears(input, FEEDER_OPEN, 0));
    AWAIT(state_of(job->main_pid) == 'T');
    return input;
}

static void a_new_connection_takes_over_at_what_was_taken(void)
{
    static char first[FEEDER_PACKET_BYTES], second[FEEDER_PACKET_BYTES];
    struct job job;
    memset(first, 'a', sizeof first);
    memset(second, 'b', sizeof second);
    int older = launch_stopped(&job);
    for (uint64_t at = 0; at < FEEDER_WINDOW_BYTES; at += sizeof first)
        CHECK(feed(older, at, first, sizeof first)); /* of which a pipe full is taken */
    CHECK(heard(older).taken > 0);
    int newer = connect_input(&job);
    uint64_t taken = heard(newer).taken;
    CHECK(taken > 0 && taken <= FEEDER_PACKET_BYTES);
    struct pollfd gone = {.fd = older, .events = 0};
    CHECK(poll(&gone, 1, PATIENCE_MS) == 1 && (gone.revents & POLLHUP) != 0);
    const uint64_t half = sizeof first / 2, end = half + sizeof second;
    CHECK(feed(newer, half, second, sizeof second)); /* of which what was taken is passed over */
    CHECK(feed(newer, end, "end\n", 4) && feed_end(newer, end + 4));
    CHECK(kill((pid_t)job.main_pid, SIGCONT) == 0);
    CHECK(hears(newer, FEEDER_ENDED, end + 4));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    const char *text = output(&job, "stdout");
    CHECK(strlen(text) == end + 4 && strspn(text, "a") == taken);
    CHECK(strspn(text + taken, "b") == end - taken && strcmp(text + end, "end\n") == 0);
    close(older);
    close(newer);
    collect(&job);
}

static void what_was_sent_is_taken_although_the_server_has_gone_and_the_next_one_goes_on(void)
{
    static char bytes[FEEDER_PACKET_BYTES];
    struct job job;
    memset(bytes, 'a', sizeof bytes);
    int input = launch_stopped(&job);
    for (uint64_t at = 0; at < FEEDER_WINDOW_BYTES; at += sizeof bytes)
        CHECK(feed(input, at, bytes, sizeof bytes));
    close(input);
    close(job.control);
    kill((pid_t)job.main_pid, SIGCONT);
    AWAIT(strlen(output(&job, "stdout")) == FEEDER_WINDOW_BYTES);
    CHECK(reconnect(&job) == 0);
    while (strncmp(receive(&job), "2 started", 9) != 0 && job.answer[0] != '\0')
        continue;
    input = connect_input(&job);
    CHECK(hears(input, FEEDER_OPEN, FEEDER_WINDOW_BYTES));
    CHECK(feed_end(input, FEEDER_WINDOW_BYTES) && hears(input, FEEDER_ENDED, FEEDER_WINDOW_BYTES));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strlen(output(&job, "stdout")) == FEEDER_WINDOW_BYTES);
    close(input);
    collect(&job);
}

static void an_end_was_given_once_and_every_connection_is_told(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/sh", "arg=-c", "arg=cat; exec sleep 1000", "env=PATH=/usr/bin:/bin", NULL);
    int input = connect_input(&job);
    CHECK(feed(input, 0, "x\n", 2) && feed_end(input, 2) && hears(input, FEEDER_ENDED, 2));
    close(input);
    input = connect_input(&job);
    CHECK(hears(input, FEEDER_ENDED, 2));
    CHECK(feed(input, 2, "y\n", 2)); /* is passed over */
    close(input);
    AWAIT(strcmp(output(&job, "stdout"), "x\n") == 0);
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "x\n") == 0);
    collect(&job);
}

static void a_gap_and_a_false_end_and_a_strange_packet_break_the_connection_and_nothing_else(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/cat", NULL);
    int input = connect_input(&job);
    CHECK(feed(input, 0, "ab", 2) && hears(input, FEEDER_OPEN, 2));
    CHECK(feed(input, 3, "d", 1) && heard(input).kind == 0);
    close(input);
    const uint64_t ends[] = {1, 3};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        input = connect_input(&job);
        CHECK(hears(input, FEEDER_OPEN, 2) && feed_end(input, ends[i]) && heard(input).kind == 0);
        close(input);
    }
    input = connect_input(&job);
    CHECK(hears(input, FEEDER_OPEN, 2));
    CHECK(send(input, "short", 5, MSG_NOSIGNAL) == 5 && heard(input).kind == 0);
    close(input);
    input = connect_input(&job);
    CHECK(feed(input, 2, "c", 1) && feed_end(input, 3) && hears(input, FEEDER_ENDED, 3));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "abc") == 0);
    close(input);
    collect(&job);
}

static pid_t feeder_of(const struct job *job)
{
    pid_t pid = 0;
    AWAIT((pid = find_helper(job, "jw-stdin\n")) != 0);
    return pid != 0 ? pid : INT32_MAX;
}

static void a_job_that_holds_its_stdin_is_stopped_at_once(void)
{
    static const char bytes[HELD_BYTES];
    struct job job;
    launch(&job, holder_entry, "arg=hold-stdin", "stdin-stream=1", NULL);
    int input = connect_input(&job);
    pid_t feeder = feeder_of(&job);
    CHECK(feed(input, 0, bytes, sizeof bytes) && hears(input, FEEDER_OPEN, sizeof bytes));
    for (uint64_t at = sizeof bytes; state_of(feeder) != 'D' && at < 8 * sizeof bytes; at += sizeof bytes) {
        CHECK(feed(input, at, bytes, sizeof bytes)); /* until the job has come to hold it */
        for (int looks = 0; looks < 200 && state_of(feeder) != 'D'; looks++)
            poll(NULL, 0, 1);
    }
    CHECK(state_of(feeder) == 'D');
    for (int i = 0; i < 1000; i++) { /* more than its socket holds */
        tell(&job, "2 input");
        CHECK(strcmp(receive(&job), "2 input") == 0);
        if (job.input >= 0)
            close(job.input);
        job.input = -1;
    }
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    CHECK(recorded(&job, "log_complete") == 1);
    AWAIT(is_gone(feeder));
    close(input);
    collect(&job);
}

static void a_feeder_that_is_killed_is_missed_by_nobody_but_the_job(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/cat", NULL);
    int input = connect_input(&job);
    CHECK(hears(input, FEEDER_OPEN, 0));
    kill(feeder_of(&job), SIGKILL);
    CHECK(heard(input).kind == 0);
    CHECK(strcmp(receive(&job), "2 ended") == 0); /* its stdin has ended */
    CHECK(recorded(&job, "exit_code") == 0);
    close(input);
    collect(&job);
}

static void a_feeder_goes_with_its_launcher(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "arg=/bin/sleep", "arg=1000", NULL);
    pid_t feeder = feeder_of(&job), capture = capture_of(&job);
    kill((pid_t)job.monitor, SIGKILL);
    CHECK(launcher_ended(&job) == -1);
    AWAIT(is_gone(feeder) && is_gone(capture) && is_gone(job.main_pid));
    close(job.control);
}

static void both_kinds_of_stdin_at_once_are_refused(void)
{
    struct job job;
    launch(&job, "stdin-stream=1", "stdin=/dev/zero", "arg=/bin/cat", NULL);
    CHECK(strcmp(job.answer, "2 failed sheet 22") == 0); /* EINVAL */
    close(job.control);
}

/* --- what is handed down ------------------------------------------------------------------------ */

#define STRANGE_KEYRING "launcher-test"

/* All that whoever starts a server could have set, and that fork and execve(2) keep. */
static void be_strange(void)
{
    const struct sched_param five = {.sched_priority = 5};
    const unsigned long first_node = 1;
    cpu_set_t cpus;
    size_t first = 0;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        _exit(97);
    while (!CPU_ISSET(first, &cpus))
        first++;
    CPU_ZERO(&cpus);
    CPU_SET(first, &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0 || personality(ADDR_NO_RANDOMIZE) < 0 ||
        prctl(PR_SET_TIMERSLACK, 12345678) != 0 || prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
        _exit(97);
    (void)syscall(SYS_set_mempolicy, MPOL_PREFERRED, &first_node, 8 * sizeof first_node + 1); /* not in every kernel */
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, STRANGE_KEYRING);
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score < 0 || (write(score, "-321", 4) < 0 && errno != EACCES) || close(score) != 0) /* CAP_SYS_RESOURCE */
        _exit(97);
    if (geteuid() == 0 && (setpriority(PRIO_PROCESS, 0, -3) != 0 || syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 3) != 0 ||
                           sched_setscheduler(0, SCHED_RR, &five) != 0))
        _exit(97);
}

/* As a job: what of it is there. */
static int tell_strangeness(void)
{
    char keyring[128] = "none;;;;";
    int mode = -1;
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        return 1;
    (void)syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, keyring, sizeof keyring);
    (void)syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 0UL);
    printf("policy %d nice %d io %ld cpus %d memory %d thp %d\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0),
           syscall(SYS_ioprio_get, 1, 0), CPU_COUNT(&cpus), mode > 0, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    char score[16] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, score, sizeof score - 1) < 0 || close(fd) != 0)
        return 1;
    printf("oom score %s", score);
    printf("personality %d slack %d strange keyring %d privileges %d dumpable %d\n", personality(0xffffffff),
           prctl(PR_GET_TIMERSLACK), strstr(keyring, STRANGE_KEYRING) != NULL, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
           prctl(PR_GET_DUMPABLE));
    return 0;
}

/* That may be used here, whatever we have been given ourselves. */
static int count_cpus(void)
{
    cpu_set_t mine, all;
    CHECK(sched_getaffinity(0, sizeof mine, &mine) == 0);
    memset(&all, 0xff, sizeof all);
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0 && sched_getaffinity(0, sizeof all, &all) == 0);
    CHECK(sched_setaffinity(0, sizeof mine, &mine) == 0);
    return CPU_COUNT(&all);
}

static void what_the_server_was_given_is_not_handed_down(void)
{
    struct job job;
    char arg[PATH_MAX], expected[256];
    ssize_t length = readlink("/proc/self/exe", arg + 4, sizeof arg - 5);
    CHECK(length > 0);
    memcpy(arg, "arg=", 4);
    arg[4 + length] = '\0';
    in_launcher = be_strange;
    launch(&job, arg, NULL);
    in_launcher = NULL;
    CHECK(sched_getscheduler((pid_t)job.monitor) == SCHED_OTHER); /* there may be no other time in its cgroup */
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    snprintf(expected, sizeof expected,
             "policy 0 nice 0 io 0 cpus %d memory 0 thp 0\noom score 0\n"
             "personality 0 slack 50000 strange keyring 0 privileges 1 dumpable 1\n",
             count_cpus());
    CHECK(strcmp(output(&job, "stdout"), expected) == 0);
    if (current_failed)
        printf("%s", output(&job, "stdout"));
    collect(&job);
}

/* --- isolation; needs root ---------------------------------------------------------------------- */

#define ISOLATED                                                                                       \
    "isolate=1", "uid=70000", "gid=70000", "seccomp=1", "cwd=/", "env=PATH=/usr/sbin:/usr/bin:/sbin:/bin"

static void an_isolated_job_is_alone_and_nobody_in_particular(void)
{
    struct job job;
    launch(&job, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=echo pid $$; set -- /proc/[0-9]*; echo seen $#; ls -A /tmp /dev/shm; id; "
           "grep -E '^(Cap|NoNewPrivs:|Seccomp:|Groups:)' /proc/self/status",
           NULL);
    CHECK(job.main_pid > 2); /* as the host sees it */
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    const char *text = output(&job, "stdout");
    CHECK(strstr(text, "pid 2\n") != NULL);
    CHECK(strstr(text, "seen 2\n") != NULL); /* init and sh */
    CHECK(strstr(text, "/dev/shm:\n\n/tmp:\nuid=70000(job-70000) gid=70000(job-70000)") != NULL);
    const char *const empty_sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    for (size_t i = 0; i < sizeof empty_sets / sizeof empty_sets[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s:\t0000000000000000\n", empty_sets[i]);
        CHECK(strstr(text, line) != NULL);
    }
    CHECK(strstr(text, "NoNewPrivs:\t1\n") != NULL);
    CHECK(strstr(text, "Seccomp:\t2\n") != NULL);
    CHECK(strstr(text, "Groups:\t \n") != NULL);
    collect(&job);
}

static void what_the_server_was_given_is_not_handed_down_to_an_isolated_job(void)
{
    struct job job;
    char expected[256];
    in_launcher = be_strange;
    launch(&job, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=for p in 1 $$; do chrt -p $p | tr '\n' ' '; ionice -p $p; done; cat /proc/$$/personality; cat /proc/self/timerslack_ns; "
           "cat /proc/self/oom_score_adj; nproc; nice; grep THP_enabled /proc/self/status; grep -c " STRANGE_KEYRING " /proc/keys; "
           "grep -c prefer /proc/self/numa_maps; stat -c %u /proc/self/environ",
           NULL);
    in_launcher = NULL;
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    snprintf(expected, sizeof expected, "00000000\n50000\n0\n%d\n0\nTHP_enabled:\t1\n0\n0\n70000\n", count_cpus());
    const char *text = output(&job, "stdout");
    const char *rest = strstr(text, "00000000\n");
    CHECK(strstr(text, "SCHED_RR") == NULL && strstr(text, "realtime") == NULL);
    CHECK(rest != NULL && strcmp(rest, expected) == 0);
    if (current_failed)
        printf("%s", text);
    collect(&job);
}

/* As of a job that starves it, it is stopped here: signals pile up, and the monitor goes on. */
static void an_init_that_hears_no_signals_keeps_nobody_waiting(void)
{
    struct job job;
    char stat[64];
    int init = 0;
    launch(&job, ISOLATED, "arg=/bin/sleep", "arg=1000", NULL);
    snprintf(stat, sizeof stat, "/proc/%ld/stat", job.main_pid);
    FILE *file = fopen(stat, "re");
    CHECK(file != NULL && fscanf(file, "%*d (%*[^)]) %*c %d", &init) == 1);
    CHECK(fclose(file) == 0);
    CHECK(init > 1 && kill(init, SIGSTOP) == 0);
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    CHECK(setsockopt(job.control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0);
    for (int sent = 0; sent < 2000 && !current_failed; sent++)
        tell(&job, "2 signal 10");
    tell(&job, "2 stop 9 0");
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "signal") == SIGKILL);
    collect(&job);
}

/* At 0 a program that core_pattern names would be started for it (core(5)); setting that succeeds and does nothing. */
static void an_isolated_job_without_cores_stays_so_whatever_it_sets(void)
{
    struct job without, with;
    const char *script = "arg=ulimit -Sc 0 && while read -r a b c d soft hard rest; do [ $b = core ] && echo $soft $hard; done "
                         "</proc/self/limits";
    launch(&without, ISOLATED, "rlimit=core:0:unlimited", "arg=/bin/sh", "arg=-c", script, NULL);
    launch(&with, ISOLATED, "rlimit=core:1:unlimited", "arg=/bin/sh", "arg=-c", script, NULL);
    CHECK(strcmp(receive(&without), "2 ended") == 0);
    CHECK(strcmp(receive(&with), "2 ended") == 0);
    CHECK(strcmp(output(&without, "stdout"), "1 unlimited\n") == 0);
    CHECK(strcmp(output(&with, "stdout"), "0 unlimited\n") == 0);
    collect(&without);
    collect(&with);
}

static void an_isolated_job_cannot_make_mounts_namespaces_or_enter_the_hosts(void)
{
    struct job job;
    launch(&job, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=unshare -Ur true && echo broke out; unshare -m true && echo broke out; "
           "mount -t tmpfs x /tmp && echo broke out; chroot / true && echo broke out; "
           "nsenter -t 1 -a true && echo broke out; kill -9 1; echo alive; "
           "cat /proc/1/environ && echo broke out; ls /proc/1/fd && echo broke out",
           NULL);
    CHECK(strcmp(receive(&job), "2 refused unshare") == 0); /* said once, however many follow */
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(record_says(&job, "refused_call unshare\n"));
    CHECK(strcmp(output(&job, "stdout"), "alive\n") == 0);
    collect(&job);
}

#if defined(__x86_64__)
/* write(1, "hi\n", 3); exit(16 * errno of unshare(CLONE_NEWUSER) + errno of clone(CLONE_NEWUSER)), as 32-bit calls. */
static const unsigned char PROGRAM_32[] = {
    /* elf(5): the header of an executable for EM_386 with one program header, begun at 0x08048054 */
    0x7f, 0x45, 0x4c, 0x46, 0x01, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x54, 0x80, 0x04, 0x08, 0x34, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x34, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00,
    /* PT_LOAD: all of this file, to read and execute, at 0x08048000 */
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x04, 0x08, 0x00, 0x80, 0x04, 0x08,
    0xa1, 0x00, 0x00, 0x00, 0xa1, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00,
    0xb8, 0x04, 0x00, 0x00, 0x00, /* mov eax, 4 (write) */
    0xbb, 0x01, 0x00, 0x00, 0x00, /* mov ebx, 1 */
    0xb9, 0x9e, 0x80, 0x04, 0x08, /* mov ecx, "hi\n" */
    0xba, 0x03, 0x00, 0x00, 0x00, /* mov edx, 3 */
    0xcd, 0x80,                   /* int 0x80 */
    0xb8, 0x78, 0x00, 0x00, 0x00, /* mov eax, 120 (clone) */
    0xbb, 0x00, 0x00, 0x00, 0x10, /* mov ebx, CLONE_NEWUSER */
    0x31, 0xc9, 0x31, 0xd2,       /* xor ecx, ecx; xor edx, edx */
    0x31, 0xf6, 0x31, 0xff,       /* xor esi, esi; xor edi, edi */
    0xcd, 0x80,                   /* int 0x80 */
    0x89, 0xc5, 0xf7, 0xdd,       /* mov ebp, eax; neg ebp */
    0xb8, 0x36, 0x01, 0x00, 0x00, /* mov eax, 310 (unshare) */
    0xbb, 0x00, 0x00, 0x00, 0x10, /* mov ebx, CLONE_NEWUSER */
    0xcd, 0x80,                   /* int 0x80 */
    0xf7, 0xd8, 0xc1, 0xe0, 0x04, /* neg eax; shl eax, 4 */
    0x01, 0xe8, 0x89, 0xc3,       /* add eax, ebp; mov ebx, eax */
    0xb8, 0x01, 0x00, 0x00, 0x00, /* mov eax, 1 (exit) */
    0xcd, 0x80,                   /* int 0x80 */
    0x68, 0x69, 0x0a,             /* "hi\n" */
};

/* A kernel may have been built, or booted, without them. */
static int are_32_bit_programs_executed(const char *program)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, (char *)NULL);
        _exit(errno == ENOEXEC ? 100 : 101);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 100);
}

static void a_32_bit_program_runs_and_is_refused_what_others_are(void)
{
    struct job job;
    char program[] = "/var/tmp/launcher-test-32-XXXXXX";
    char argument[64];
    int file = mkstemp(program);
    CHECK(file >= 0 && write(file, PROGRAM_32, sizeof PROGRAM_32) == (ssize_t)sizeof PROGRAM_32);
    CHECK(fchmod(file, 0755) == 0 && close(file) == 0);
    if (!are_32_bit_programs_executed(program)) {
        printf("    this kernel executes no 32-bit programs\n");
        CHECK(unlink(program) == 0);
        return;
    }
    snprintf(argument, sizeof argument, "arg=%s", program);
    launch(&job, ISOLATED, argument, NULL);
    CHECK(strcmp(receive(&job), "2 refused unshare") == 0);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(recorded(&job, "exit_code") == 16 * EPERM + EPERM);
    CHECK(strcmp(output(&job, "stdout"), "hi\n") == 0);
    collect(&job);
    CHECK(unlink(program) == 0);
}
#endif

static void an_isolated_job_has_the_devices_it_needs(void)
{
    struct job job;
    launch(&job, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=ls /dev | tr '\n' ' '; echo; echo again >/dev/stdout; echo gone >/dev/null; echo no >/dev/stderr; "
           "head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; exec 3<>/dev/stdout; echo both >&3",
           NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"),
                 "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero \nagain\n3\n3\nboth\n") == 0);
    collect(&job);
}

/* The first line of a file that others cannot read is not told to them. */
static void of_a_program_that_the_jobs_user_cannot_read_no_interpreter_is_named(void)
{
    struct job job;
    char dir[64] = "/var/tmp/launcher-test.XXXXXX", file[96], arg[112];
    CHECK(mkdtemp(dir) != NULL && chmod(dir, 0711) == 0);
    snprintf(file, sizeof file, "%s/secret", dir);
    snprintf(arg, sizeof arg, "arg=%s", file);
    write_program(file, "#!/no/such/secret\n");
    CHECK(chmod(file, 0755) == 0);
    launch(&job, ISOLATED, arg, NULL);
    CHECK(strcmp(job.answer, "2 failed exec 2 /no/such/secret") == 0);
    CHECK(launcher_ended(&job) == 1);
    CHECK(chmod(file, 0711) == 0);
    launch(&job, ISOLATED, arg, NULL);
    CHECK(strcmp(job.answer, "2 failed exec 2") == 0);
    CHECK(launcher_ended(&job) == 1);
    CHECK(unlink(file) == 0 && rmdir(dir) == 0);
}

static void the_end_of_an_isolated_job_is_told_truly(void)
{
    struct job exited, killed, missing, orphans;
    launch(&exited, ISOLATED, "arg=/bin/sh", "arg=-c", "arg=exit 137", NULL);
    CHECK(strcmp(receive(&exited), "2 ended") == 0);
    CHECK(recorded(&exited, "exit_code") == 137);
    collect(&exited);
    launch(&killed, ISOLATED, "arg=/bin/sh", "arg=-c", "arg=kill -9 $$", NULL);
    CHECK(strcmp(receive(&killed), "2 ended") == 0);
    CHECK(recorded(&killed, "signal") == SIGKILL);
    CHECK(record_says(&killed, "cause none\n"));
    collect(&killed);
    launch(&missing, ISOLATED, "arg=/no/such/program", NULL);
    CHECK(strcmp(missing.answer, "2 failed exec 2") == 0);
    CHECK(launcher_ended(&missing) == 1);
    launch(&orphans, ISOLATED, "arg=/bin/sh", "arg=-c", "arg=(setsid sleep 1000 &); setsid sleep 1000 & exit 4", NULL);
    CHECK(strcmp(receive(&orphans), "2 ended") == 0);
    CHECK(recorded(&orphans, "exit_code") == 4);
    collect(&orphans);
}

static void an_isolated_job_is_stopped_with_and_without_a_grace(void)
{
    struct job gentle, hard;
    launch(&gentle, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done", NULL);
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&gentle, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    tell(&gentle, "2 stop 15 15000");
    CHECK(strcmp(receive(&gentle), "2 ended") == 0);
    CHECK(recorded(&gentle, "exit_code") == 7);
    CHECK(record_says(&gentle, "cause stop\n"));
    CHECK(strcmp(output(&gentle, "stdout"), "up\nbye\n") == 0);
    collect(&gentle);
    launch(&hard, ISOLATED, "arg=/bin/sh", "arg=-c", "arg=trap '' TERM; (setsid sleep 1000 &) ; sleep 1000", NULL);
    tell(&hard, "2 stop 9 0");
    CHECK(strcmp(receive(&hard), "2 ended") == 0);
    CHECK(recorded(&hard, "signal") == SIGKILL);
    CHECK(record_says(&hard, "cause stop\n"));
    collect(&hard);
}

static void an_isolated_job_reads_its_stream_and_may_open_it_anew(void)
{
    struct job job;
    launch(&job, ISOLATED, "stdin-stream=1", "arg=/bin/cat", "arg=/dev/stdin", NULL);
    int input = connect_input(&job);
    CHECK(feed(input, 0, "seen\n", 5) && feed_end(input, 5) && hears(input, FEEDER_ENDED, 5));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "seen\n") == 0);
    close(input);
    collect(&job);
}

static void an_isolated_job_does_not_see_the_servers_directory(void)
{
    struct job job;
    launch(&job, ISOLATED, "hide=/usr/include", "arg=/bin/sh", "arg=-c",
           "arg=ls -A /usr/include | wc -l; touch /usr/include/x 2>&1", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "0\ntouch: cannot touch '/usr/include/x': Read-only file system\n") == 0);
    collect(&job);
}

static void a_directory_that_the_jobs_user_cannot_walk_to_is_not_opened_for_it(void)
{
    struct job job;
    char inner[96];
    char entry[112];
    snprintf(inner, sizeof inner, "%s/inner", root); /* open to all, in a directory that is not */
    snprintf(entry, sizeof entry, "cwd=%s", inner);
    CHECK(mkdir(inner, 0777) == 0 && chmod(inner, 0777) == 0);
    launch(&job, ISOLATED, entry, "arg=/bin/true", NULL);
    CHECK(strcmp(job.answer, "2 failed chdir 2") == 0); /* the host's /tmp is not there at all */
    CHECK(launcher_ended(&job) == 1);
    launch(&job, ISOLATED, entry, "read-only=1", "arg=/bin/true", NULL);
    CHECK(strcmp(job.answer, "2 failed chdir 2") == 0);
    CHECK(launcher_ended(&job) == 1);
    launch(&job, ISOLATED, "cwd=/root", "read-only=1", "arg=/bin/true", NULL);
    CHECK(strcmp(job.answer, "2 failed chdir 13") == 0);
    CHECK(launcher_ended(&job) == 1);
    static const char *const other_spellings[] = {"/tmp/",  "/tmp/.", "/tmp//x",  "/tmp/../root", "/tmp/..",
                                                  "//tmp",  "/..",    "relative", "/usr/./bin"};
    for (size_t i = 0; i < sizeof other_spellings / sizeof other_spellings[0]; i++) {
        snprintf(entry, sizeof entry, "cwd=%s", other_spellings[i]);
        launch(&job, ISOLATED, entry, "arg=/bin/true", NULL);
        CHECK(strcmp(job.answer, "2 failed sheet 22") == 0);
    }
}

static void a_read_only_job_writes_to_its_directory_and_tmp_only(void)
{
    struct job job;
    char work[64] = "/var/tmp/launcher-test-work.XXXXXX";
    char entry[96];
    CHECK(mkdtemp(work) != NULL && chown(work, 70000, 70000) == 0);
    snprintf(entry, sizeof entry, "cwd=%s", work);
    launch(&job, ISOLATED, "read-only=1", entry, "arg=/bin/sh", "arg=-c",
           "arg=touch a && touch /tmp/b && touch /dev/shm/c && echo ok; touch /var/tmp/d 2>&1", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "ok\ntouch: cannot touch '/var/tmp/d': Read-only file system\n") == 0);
    collect(&job);
    char file[96];
    snprintf(file, sizeof file, "%s/a", work);
    CHECK(unlink(file) == 0 && rmdir(work) == 0);
}

/* The server's directory of the job, which the launcher gives a size or refuses. */
static void a_job_whose_directory_has_a_size_keeps_no_more_in_it(void)
{
    struct job job;
    char entry[96];
    snprintf(entry, sizeof entry, "work=%s/bounded", root);
    CHECK(mkdir(entry + 5, 0700) == 0 && chown(entry + 5, 70000, 70000) == 0);
    launch(&job, ISOLATED, "read-only=1", entry, "cwd=/tmp/work", "disk=1048576", "disk-in-memory=1", "arg=/bin/sh",
           "arg=-c", "arg=stat -c '%a %u' . && head -c 2M /dev/zero >fill; stat -c %s fill; rm fill; "
           "touch $(seq 2000) 2>/dev/null; [ $(ls | wc -l) -lt 1025 ] && echo few", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "700 70000\n1048576\nfew\n") == 0);
    collect(&job);
    launch(&job, ISOLATED, "read-only=1", entry, "cwd=/tmp/work", "disk=1048576", "arg=/bin/true", NULL);
    /* The host has no quota here, or there would be one. */
    CHECK(strcmp(job.answer, "2 failed disk 95") == 0 || strcmp(receive(&job), "2 ended") == 0);
    CHECK(rmdir(entry + 5) == 0);
}

/* What is mounted below a directory: a file of it, or -1 and why it could not be mounted. */
static int mount_below(const char *directory, const char *name, unsigned long flags)
{
    char path[128], file[160];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(file, sizeof file, "%s/inner", path);
    if ((mkdir(path, 0777) != 0 && errno != EEXIST) || mount("tmpfs", path, "tmpfs", 0, "mode=0777") != 0)
        return -1;
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    return fd >= 0 && close(fd) == 0 && mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | flags, NULL) == 0 ? 0 : -1;
}

static void unmount_below(const char *directory, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    CHECK(umount2(path, MNT_DETACH) == 0 && rmdir(path) == 0);
}

static void what_is_mounted_below_a_jobs_directories_is_kept_with_its_flags(void)
{
    static const char *const kinds[] = {"durable=1", "read-only=1"};
    char outer[64] = "/var/tmp/launcher-test.XXXXXX", other[64] = "/var/tmp/launcher-test.XXXXXX", entry[96], work[96], script[512];
    CHECK(mkdtemp(outer) != NULL && chmod(outer, 0777) == 0 && mkdtemp(other) != NULL && chmod(other, 0777) == 0);
    CHECK(mount_below(outer, "rw", MS_NOEXEC) == 0 && mount_below(outer, "ro", MS_RDONLY) == 0);
    CHECK(mount_below(other, "rw", MS_NOEXEC) == 0 && mount_below(other, "ro", MS_RDONLY) == 0);
    snprintf(entry, sizeof entry, "cwd=%s", outer);
    snprintf(work, sizeof work, "work=%s", outer);
    snprintf(script, sizeof script,
             "arg=for d in %s /tmp/work; do cat $d/rw/inner $d/ro/inner && touch $d/rw/x && ! touch $d/ro/x && "
             "cp /bin/true $d/rw/true && ! $d/rw/true && cp /bin/true $d/true && $d/true && echo right; done 2>/dev/null; "
             "cat %s/rw/inner %s/ro/inner && touch %s/rw/y && echo written",
             outer, other, other, other);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct job job;
        launch(&job, ISOLATED, kinds[i], entry, work, "arg=/bin/sh", "arg=-c", script, NULL);
        CHECK(strcmp(receive(&job), "2 ended") == 0);
        CHECK(strcmp(output(&job, "stdout"), i == 0 ? "right\nright\nwritten\n" : "right\nright\n") == 0);
        if (current_failed)
            printf("%s%s", output(&job, "stdout"), output(&job, "stderr"));
        collect(&job);
    }
    unmount_below(outer, "rw");
    unmount_below(outer, "ro");
    unmount_below(other, "rw");
    unmount_below(other, "ro");
    snprintf(script, sizeof script, "%s/true", outer);
    CHECK(unlink(script) == 0 && rmdir(outer) == 0 && rmdir(other) == 0);
}

static void what_the_host_unmounts_goes_from_a_job_too_and_what_a_job_has_stays_its_own(void)
{
    struct job job;
    char shared[64] = "/var/tmp/launcher-test.XXXXXX", disk[96], mounts[64], script[320];
    CHECK(mkdtemp(shared) != NULL && mount("tmpfs", shared, "tmpfs", 0, "mode=0777") == 0);
    CHECK(mount(NULL, shared, NULL, MS_SHARED, NULL) == 0 && mount_below(shared, "disk", 0) == 0);
    snprintf(disk, sizeof disk, "%s/disk", shared);
    snprintf(script, sizeof script, "arg=test -e %s/inner && echo there; read line; test -e %s/inner || echo gone", disk, disk);
    launch(&job, ISOLATED, "stdin-stream=1", "arg=/bin/sh", "arg=-c", script, NULL);
    int input = connect_input(&job);
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "there\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    CHECK(umount2(disk, 0) == 0);
    snprintf(mounts, sizeof mounts, "/proc/%ld/mounts", job.main_pid);
    FILE *file = fopen(mounts, "re");
    char line[512];
    int busy = 0;
    CHECK(file != NULL);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        busy |= strstr(line, disk) != NULL;
    CHECK(file != NULL && fclose(file) == 0);
    CHECK(!busy);
    CHECK(feed(input, 0, "go\n", 3));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "there\ngone\n") == 0);
    close(input);
    collect(&job);
    CHECK(rmdir(disk) == 0 && umount2(shared, 0) == 0 && rmdir(shared) == 0); /* nothing of the job's is in the way */
}

/* What comes later would come writable. */
static void what_the_host_mounts_later_does_not_come_to_a_read_only_job(void)
{
    struct job job;
    char shared[64] = "/var/tmp/launcher-test.XXXXXX", script[256];
    CHECK(mkdtemp(shared) != NULL && mount("tmpfs", shared, "tmpfs", 0, "mode=0777") == 0);
    CHECK(mount(NULL, shared, NULL, MS_SHARED, NULL) == 0);
    snprintf(script, sizeof script, "arg=echo up; read line; touch %s/disk/x || echo denied", shared);
    launch(&job, ISOLATED, "stdin-stream=1", "read-only=1", "arg=/bin/sh", "arg=-c", script, NULL);
    int input = connect_input(&job);
    for (int waited = 0; waited < PATIENCE_MS && strcmp(output(&job, "stdout"), "up\n") != 0; waited += 5)
        poll(NULL, 0, 5);
    CHECK(mount_below(shared, "disk", 0) == 0);
    CHECK(feed(input, 0, "go\n", 3));
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "up\ndenied\n") == 0);
    close(input);
    collect(&job);
    unmount_below(shared, "disk");
    CHECK(umount2(shared, 0) == 0 && rmdir(shared) == 0);
}

/* By the numbers: whatever else has a terminal here is in another instance. */
static void an_isolated_job_has_terminals_of_its_own(void)
{
    struct job job;
    launch(&job, ISOLATED, "arg=/bin/sh", "arg=-c",
           "arg=ls /dev/pts; script -qec 'tty; stty -F /dev/tty -a >/dev/null && echo controls' /dev/null </dev/null; "
           "ls -lL /dev/ptmx | cut -c 1-10; "
           "bash -c 'n=0; while { exec {f}<>/dev/ptmx; } 2>/dev/null; do n=$((n+1)); done; echo $n'",
           NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "ptmx\n/dev/pts/0\r\ncontrols\r\ncrw-rw-rw-\n64\n") == 0);
    if (current_failed)
        printf("%s%s", output(&job, "stdout"), output(&job, "stderr"));
    collect(&job);
}

static void a_job_has_a_name_and_its_files_list_it(void)
{
    static const char *const kinds[] = {"durable=1", "read-only=1"};
    static const char listed[] = "job-70000 job-70000\njob-70000\njob-70000\njob-70000:x:70000:70000:job-70000:/tmp/work:/bin/sh\n"
                                 "job-70000:x:70000:\nroot:x:0:";
    struct job job;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        launch(&job, ISOLATED, kinds[i], "arg=/bin/sh", "arg=-c",
               "arg=echo $USER $LOGNAME; whoami; id -gn; getent passwd 70000; getent group 70000; head -1 /etc/passwd; "
               "echo x >/etc/passwd; grep -c ' /etc/' /proc/self/mountinfo; ls -A /tmp",
               NULL);
        CHECK(strcmp(receive(&job), "2 ended") == 0);
        CHECK(strncmp(output(&job, "stdout"), listed, sizeof listed - 1) == 0);
        CHECK(strstr(output(&job, "stdout"), "\n2\n") != NULL);
        CHECK(strstr(output(&job, "stderr"), "/etc/passwd: Read-only file system") != NULL ||
              strstr(output(&job, "stderr"), "/etc/passwd: Permission denied") != NULL);
        if (current_failed)
            printf("%s%s", output(&job, "stdout"), output(&job, "stderr"));
        collect(&job);
    }
}

static void a_job_whose_user_is_listed_has_that_name_and_the_hosts_files(void)
{
    struct job job;
    launch(&job, "isolate=1", "uid=65534", "gid=65534", "seccomp=1", "cwd=/", "env=PATH=/usr/bin:/bin", "env=USER=mine", "arg=/bin/sh",
           "arg=-c", "arg=echo $USER $LOGNAME; grep -c ' /etc/' /proc/self/mountinfo", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "mine nobody\n0\n") == 0);
    collect(&job);
}

static void where_a_job_does_not_see_the_hosts_list_of_users_it_has_none(void)
{
    struct job job;
    launch(&job, ISOLATED, "hide=/etc", "arg=/bin/sh", "arg=-c", "arg=echo $USER; ls -A /etc /tmp", NULL);
    CHECK(job.main_pid > 0 && strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "job-70000\n/etc:\n\n/tmp:\n") == 0);
    if (job.main_pid > 0)
        collect(&job);
}

static void a_job_without_network_has_loopback_and_nothing_else(void)
{
    struct job job;
    launch(&job, ISOLATED, "network=none", "arg=/bin/sh", "arg=-c",
           "arg=grep -c ':' /proc/net/dev; cat /proc/net/fib_trie | grep -c 127.0.0.1; ls -A /run | wc -l", NULL);
    CHECK(strcmp(receive(&job), "2 ended") == 0);
    CHECK(strcmp(output(&job, "stdout"), "1\n2\n0\n") == 0);
    collect(&job);
}

/* Root's jobs die with their launcher although they may become somebody else. */
static void a_launcher_that_is_killed_takes_its_job_along_and_capture_saves_the_rest(void)
{
    struct job job;
    struct read_log log;
    char path[128];
    launch(&job, ISOLATED, "retain=40960", "arg=/bin/sh", "arg=-c", "arg=while :; do echo 1234567; done", NULL);
    pid_t capture = capture_of(&job);
    AWAIT(atomic_load(&job.page->end) > 50000);
    kill((pid_t)job.monitor, SIGKILL);
    AWAIT(is_gone(job.monitor) && is_gone(capture));
    AWAIT(kill((pid_t)job.main_pid, 0) != 0 && errno == ESRCH);
    CHECK(atomic_load(&job.page->state) == PAGE_FINISHED);
    snprintf(path, sizeof path, "%s/output", job.dir);
    CHECK(read_log(&log, path, 3));
    CHECK(log.end == atomic_load(&job.page->end) && log.kept == atomic_load(&job.page->kept));
    CHECK(log.length >= LINE_BYTES && strstr(log.text, "\n1234567\n") != NULL);
    free_log(&log);
    close(job.control);
    close(job.wake);
    munmap(job.page, PAGE_BYTES);
}

#define RUN(test) run(#test, test)

static void run(const char *name, void (*test)(void))
{
    if (getenv("ONLY") != NULL && strstr(name, getenv("ONLY")) == NULL)
        return;
    current = name;
    current_failed = 0;
    long long start = now_ms();
    test();
    if (getenv("TIMES") != NULL)
        printf("%6lld ms  %s\n", now_ms() - start, name);
    current_failed ? failed++ : passed++;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return tell_strangeness();
    if (argc != 3)
        return 2;
    binary = argv[1];
    holder = argv[2];
    snprintf(holder_entry, sizeof holder_entry, "arg=%s", holder);
    snprintf(holder_variable, sizeof holder_variable, "env=H=%s", holder);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(root, sizeof root, "/tmp/launcher-test.XXXXXX");
    if (mkdtemp(root) == NULL)
        return 2;
    RUN(an_exit_code_is_recorded);
    RUN(death_by_sigkill_is_not_exit_code_137);
    RUN(a_program_that_cannot_run_fails_the_start_with_its_errno);
    RUN(the_mark_is_there_before_the_program_runs);
    RUN(a_step_that_fails_before_the_mark_leaves_none);
    RUN(a_launch_that_was_given_up_executes_nothing_and_leaves_nobody);
    RUN(a_launcher_touches_nothing_in_the_directory_of_another_attempt);
    RUN(a_file_without_an_interpreter_line_is_not_handed_to_a_shell);
    RUN(the_jobs_own_path_is_searched);
    RUN(the_search_goes_on_behind_a_directory_that_is_broken);
    RUN(a_program_that_is_denied_is_told_of_only_if_there_is_no_other);
    RUN(the_interpreter_that_is_missing_is_named);
    RUN(the_interpreter_that_is_missing_is_named_of_an_elf_file_too);
    RUN(the_job_gets_a_clean_environment_signals_and_descriptors);
    RUN(both_streams_arrive_apart_and_merged_on_request);
    RUN(stop_kills_the_whole_tree_at_once);
    RUN(a_grace_lets_the_job_leave_by_itself);
    RUN(a_grace_that_is_not_used_ends_in_sigkill);
    RUN(a_signal_alone_is_the_jobs_own_affair);
    RUN(what_the_main_process_leaves_behind_is_killed);
    RUN(a_time_out_needs_no_server);
    RUN(a_grace_cancels_no_time_out);
    RUN(an_exit_that_comes_before_a_time_out_with_a_grace_is_an_exit);
    RUN(a_time_out_with_a_grace_that_the_job_uses_is_a_time_out);
    RUN(what_a_dead_server_has_said_keeps_no_other_out);
    RUN(a_stop_is_heard_although_who_said_it_has_gone);
    RUN(servers_that_come_and_go_leave_nothing_in_a_launcher);
    RUN(resource_limits_are_set);
    RUN(without_cores_nobody_gets_the_memory_of_what_crashes);
    RUN(a_job_goes_on_and_ends_without_a_server);
    RUN(a_sheet_that_is_not_understood_is_refused);
    RUN(a_failed_step_before_the_job_is_named);
    RUN(a_job_that_holds_its_own_pipe_is_stopped_at_once_and_its_log_is_whole);
    RUN(a_job_that_holds_its_own_pipe_is_timed_out);
    RUN(a_stranger_who_holds_the_pipe_delays_the_end_by_so_much_at_most);
    RUN(a_stranger_who_writes_for_ever_does_not_keep_the_job_from_ending);
    RUN(a_capture_that_is_killed_while_the_pipe_is_held_does_not_deafen_its_launcher);
    RUN(a_capture_that_is_killed_ends_a_job_that_writes_and_the_record_says_so);
    RUN(the_last_line_is_kept_and_nothing_is_unaccounted_for);
    RUN(of_two_full_pipes_and_a_smaller_ring_the_end_of_each_stream_is_kept);
    RUN(of_two_full_pipes_all_is_kept_where_nothing_may_be_overwritten);
    RUN(the_rest_of_stdout_is_kept_although_stderr_is_held);
    RUN(two_full_pipes_of_a_job_that_lives_are_read_in_turn);
    RUN(a_launcher_whose_directory_is_removed_takes_its_job_along_and_leaves_nothing);
    RUN(a_launcher_whose_directory_is_moved_away_takes_its_job_along_when_anything_happens);
    RUN(a_launcher_whose_directory_is_found_by_a_link_stays);
    RUN(wherever_launcher_and_capture_are_killed_readers_see_right_bytes_only);
    RUN(a_reader_that_is_overtaken_knows_it);
    RUN(no_wake_up_is_lost);
    RUN(what_is_sent_reaches_the_job_and_the_end_is_its_end_of_file);
    RUN(an_end_without_a_byte_is_an_end);
    RUN(a_job_without_a_stream_has_no_connection_to_give);
    RUN(a_job_that_never_reads_takes_a_pipe_full_and_is_stopped_at_once);
    RUN(a_job_that_closes_its_stdin_is_told_although_nothing_is_sent);
    RUN(a_new_connection_takes_over_at_what_was_taken);
    RUN(what_was_sent_is_taken_although_the_server_has_gone_and_the_next_one_goes_on);
    RUN(an_end_was_given_once_and_every_connection_is_told);
    RUN(a_gap_and_a_false_end_and_a_strange_packet_break_the_connection_and_nothing_else);
    RUN(a_job_that_holds_its_stdin_is_stopped_at_once);
    RUN(a_feeder_that_is_killed_is_missed_by_nobody_but_the_job);
    RUN(a_feeder_goes_with_its_launcher);
    RUN(both_kinds_of_stdin_at_once_are_refused);
    RUN(what_the_server_was_given_is_not_handed_down);
    if (geteuid() == 0) {
        RUN(an_isolated_job_reads_its_stream_and_may_open_it_anew);
        RUN(an_isolated_job_is_alone_and_nobody_in_particular);
        RUN(what_the_server_was_given_is_not_handed_down_to_an_isolated_job);
        RUN(an_init_that_hears_no_signals_keeps_nobody_waiting);
        RUN(an_isolated_job_without_cores_stays_so_whatever_it_sets);
        RUN(an_isolated_job_cannot_make_mounts_namespaces_or_enter_the_hosts);
#if defined(__x86_64__)
        RUN(a_32_bit_program_runs_and_is_refused_what_others_are);
#endif
        RUN(an_isolated_job_has_the_devices_it_needs);
        RUN(of_a_program_that_the_jobs_user_cannot_read_no_interpreter_is_named);
        RUN(the_end_of_an_isolated_job_is_told_truly);
        RUN(an_isolated_job_is_stopped_with_and_without_a_grace);
        RUN(an_isolated_job_does_not_see_the_servers_directory);
        RUN(a_directory_that_the_jobs_user_cannot_walk_to_is_not_opened_for_it);
        RUN(a_read_only_job_writes_to_its_directory_and_tmp_only);
        RUN(a_job_whose_directory_has_a_size_keeps_no_more_in_it);
        RUN(a_launcher_that_is_killed_takes_its_job_along_and_capture_saves_the_rest);
        RUN(a_job_has_a_name_and_its_files_list_it);
        RUN(a_job_whose_user_is_listed_has_that_name_and_the_hosts_files);
        RUN(where_a_job_does_not_see_the_hosts_list_of_users_it_has_none);
        RUN(an_isolated_job_has_terminals_of_its_own);
        RUN(what_is_mounted_below_a_jobs_directories_is_kept_with_its_flags);
        RUN(what_the_host_unmounts_goes_from_a_job_too_and_what_a_job_has_stays_its_own);
        RUN(what_the_host_mounts_later_does_not_come_to_a_read_only_job);
        RUN(a_job_without_network_has_loopback_and_nothing_else);
    }
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    if (system(command) != 0)
        printf("could not remove %s\n", root);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

/*
 * The launcher binary as it ships, with system calls that fail. Each of its calls that may meet a full or broken disk
 * is handed to this program by a seccomp filter that is put on before execve (seccomp_unotify(2)); it is answered
 * with an errno or goes on. Usage: fault-test BINARY PIPE-HOLDER
 * Prints "N passed, N failed" and exits 0 only if nothing failed. In the environment: ONLY=PART of a test's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/packet.h"
#include "../src/page.h"
#include "counted.h"

enum { PATIENCE_MS = 60000, WRITE_BYTES = 512 /* pipe_holder.c: of 64 lines */ };

static const char *binary;
static char holder_entry[160];
static const char *holder_path;
static int launches;
static char root[64];
static int passed;
static int failed;
static int skipped;
static const char *current;
static char where[96]; /* in which of many rounds */
static int current_failed;
static int current_skipped;

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition) && current_failed++ < 3) /* the first ones say enough */            \
            printf("FAILED %s%s\n    line %d: %s\n", current, where, __LINE__, #condition);   \
    } while (0)

struct job {
    char dir[96];
    int control;
    int listener; /* of the filter; -1: nobody is left under it */
    long monitor; /* 0: it has not said so */
    struct page *page;
    char answer[160]; /* the last message; "": there is none */
};

/* --- calls that fail ---------------------------------------------------------------------------- */

enum call { ANY, EXECUTE, OPEN, WRITE, PWRITE, TRUNCATE, RENAME, MAKE_DIRECTORY, UNLINK, LINK, MAKE_MEMORY, SYNC };

static const struct {
    unsigned number;
    enum call call;
} CALLS[] = {
    {__NR_openat, OPEN},          {__NR_write, WRITE},      {__NR_pwrite64, PWRITE},
    {__NR_ftruncate, TRUNCATE},   {__NR_unlinkat, UNLINK},  {__NR_mkdirat, MAKE_DIRECTORY},
    {__NR_renameat2, RENAME},     {__NR_memfd_create, MAKE_MEMORY},
    {__NR_symlinkat, LINK},       {__NR_fsync, SYNC},
    {__NR_execve, EXECUTE},
#ifdef __NR_renameat
    {__NR_renameat, RENAME},
#endif
#ifdef __NR_open
    {__NR_open, OPEN},            {__NR_rename, RENAME},    {__NR_mkdir, MAKE_DIRECTORY},
    {__NR_unlink, UNLINK},        {__NR_symlink, LINK},
#endif
};

enum { CALL_COUNT = sizeof CALLS / sizeof CALLS[0] };

/* Stub, monitor, init and the job before its execve; or capture. The job's program is left alone. */
enum who { LAUNCHER = 1, CAPTURE = 2, BOTH = 3 };

static struct {
    enum who who;
    enum call call;
    int creates;  /* of OPEN: with O_CREAT only */
    int marks;    /* of OPEN: with O_EXCL only, which is the mark's */
    int reads;    /* of OPEN: to read only */
    const char *moves; /* a directory that is moved away meanwhile; NULL: none */
    int error;    /* 0: none fails */
    long from;    /* the first that fails, counted from 1 */
    long length;  /* so many fail */
    long met;     /* so many calls were what is looked for */
    long failed;
    int unlink_failed; /* then files may hold more than the page says */
} plan;

static void plan_none(void)
{
    memset(&plan, 0, sizeof plan);
}

static void plan_fault(enum who who, enum call call, int error, long from, long length)
{
    plan_none();
    plan.who = who;
    plan.call = call;
    plan.error = error;
    plan.from = from;
    plan.length = length;
}

static enum who who_is(unsigned pid)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    FILE *comm = fopen(path, "re");
    if (comm == NULL)
        return 0;
    if (fgets(name, sizeof name, comm) == NULL)
        name[0] = '\0';
    fclose(comm);
    return strcmp(name, "jw-capture\n") == 0 ? CAPTURE : strncmp(name, "job-worker-laun", 15) == 0 ? LAUNCHER : 0;
}

static int move_away(const char *directory)
{
    char moved[128];
    snprintf(moved, sizeof moved, "%s.moved", directory);
    return rename(directory, moved) != 0 ? errno : 0;
}

/* What this call is answered with; 0: it goes on. */
static int error_of(const struct seccomp_notif *notice)
{
    enum call call = ANY;
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if (CALLS[i].number == (unsigned)notice->data.nr)
            call = CALLS[i].call;
    }
    if ((plan.error == 0 && plan.moves == NULL) || (plan.call != ANY && plan.call != call))
        return 0;
    if (plan.creates && (notice->data.args[2] & O_CREAT) == 0)
        return 0;
    if (plan.marks && (notice->data.args[2] & O_EXCL) == 0)
        return 0;
    if (plan.reads && (notice->data.args[2] & (O_ACCMODE | O_PATH | O_DIRECTORY)) != O_RDONLY)
        return 0;
    if ((who_is(notice->pid) & plan.who) == 0)
        return 0;
    plan.met++;
    if (plan.met < plan.from || plan.met - plan.from >= plan.length)
        return 0;
    plan.failed++;
    if (plan.moves != NULL)
        return move_away(plan.moves);
    plan.unlink_failed |= call == UNLINK;
    return plan.error;
}

/* Answers one call, if there is one. */
static void answer(struct job *job, short events)
{
    struct seccomp_notif notice;
    struct seccomp_notif_resp response;
    memset(&notice, 0, sizeof notice);
    if ((events & POLLIN) == 0) {
        if (events != 0) { /* POLLHUP: the last one under the filter has been reaped */
            close(job->listener);
            job->listener = -1;
        }
        return;
    }
    if (ioctl(job->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) != 0)
        return; /* ENOENT: killed meanwhile */
    memset(&response, 0, sizeof response);
    response.id = notice.id;
    response.error = -error_of(&notice);
    response.flags = response.error == 0 ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)ioctl(job->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static long long now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Answers calls until there is a message, or for so long. Returns whether there is one. */
static int serve(struct job *job, int timeout_ms)
{
    for (long long until = now_ms() + timeout_ms;;) {
        long long left = until - now_ms();
        struct pollfd fds[] = {{.fd = job->control, .events = POLLIN}, {.fd = job->listener, .events = POLLIN}};
        (void)poll(fds, 2, left > 0 ? (int)left : 0);
        answer(job, fds[1].revents);
        if (fds[0].revents != 0)
            return 1;
        if (left <= 0)
            return 0;
    }
}

/* The same for something else than a message. */
static void serve_calls(struct job *job)
{
    struct pollfd listener = {.fd = job->listener, .events = POLLIN};
    (void)poll(&listener, 1, 1);
    answer(job, listener.revents);
}

#define AWAIT(job, condition)                                                                      \
    do {                                                                                           \
        int is_so = 0; /* looked at once: what waits for a child takes it away */                  \
        for (long long until = now_ms() + PATIENCE_MS; !(is_so = (condition)) && now_ms() < until;) \
            serve_calls(job);                                                                      \
        CHECK(is_so && #condition);                                                                \
    } while (0)

/* --- talking to the launcher -------------------------------------------------------------------- */

/* The next message that is not the one with the page; "" at the end, or if there is none. */
static const char *receive(struct job *job)
{
    for (;;) {
        union {
            char bytes[CMSG_SPACE(2 * sizeof(int))];
            struct cmsghdr aligned;
        } control;
        struct iovec data = {.iov_base = job->answer, .iov_len = sizeof job->answer - 1};
        struct msghdr message = {
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
        memset(job->answer, 0, sizeof job->answer);
        if (!serve(job, PATIENCE_MS) || recvmsg(job->control, &message, MSG_CMSG_CLOEXEC) <= 0) {
            job->answer[0] = '\0';
            return job->answer;
        }
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header == NULL)
            return job->answer;
        int fds[2];
        memcpy(fds, CMSG_DATA(header), sizeof fds);
        job->page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        close(fds[0]);
        close(fds[1]);
    }
}

static int put_filter_on(void)
{
    struct sock_filter filter[2 * CALL_COUNT + 2];
    size_t length = 0;
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++) {
        filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[i].number, 0, 1);
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)length, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static void spawn(struct job *job, int sheet)
{
    int pair[2], handover[2];
    const int on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, handover) != 0 ||
        setsockopt(handover[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        abort();
    pid_t stub = fork();
    if (stub == 0) {
        int high_sheet = fcntl(sheet, F_DUPFD, 64);
        int high_control = fcntl(pair[1], F_DUPFD, 64);
        int high_handover = fcntl(handover[1], F_DUPFD_CLOEXEC, 64);
        if (dup2(high_sheet, 3) < 0 || dup2(high_control, 4) < 0)
            _exit(99);
        int listener = put_filter_on();
        if (listener < 0 || packet_send(high_handover, "l", 1, &listener, 1) != 0)
            _exit(97);
        execl(binary, "job-worker-launcher", (char *)NULL);
        _exit(98);
    }
    close(pair[1]);
    close(handover[1]);
    close(sheet);
    pid_t sender = 0;
    job->control = pair[0];
    job->listener = -1;
    if (packet_receive(handover[0], &sender, &job->listener) != 'l') {
        printf("no filter can be put on: seccomp_unotify(2) needs Linux 5.5, and nobody above who listens already\n");
        exit(2);
    }
    close(handover[0]);
    AWAIT(job, waitpid(stub, NULL, WNOHANG) == stub);
}

/*
 * Launches a job that prints so many lines on stdout and exits with 7; isolated if more entries for its sheet say so.
 * One last entry may be anything; NULL: there is none.
 */
static void launch_with(struct job *job, long lines, const char *retain, const char *const *more, const char *last)
{
    char text[2048], print[96];
    size_t length = 0;
    memset(job, 0, sizeof *job);
    snprintf(job->dir, sizeof job->dir, "%s/%d", root, ++launches);
    if (mkdir(job->dir, 0700) != 0)
        abort();
    length += (size_t)sprintf(text, "version=2%cdir=%s%ccwd=/%c%s%c", 0, job->dir, 0, 0, retain, 0);
    if (more == NULL) {
        length += (size_t)sprintf(text + length, "%s%carg=count%carg=%ld%carg=merged%c", holder_entry, 0, 0, lines, 0, 0);
    } else { /* such a job may not see where the holder is */
        snprintf(print, sizeof print, "seq -f %%07.0f 0 %ld; exit 7", lines - 1);
        length += (size_t)sprintf(text + length, "arg=/bin/sh%carg=-c%carg=%s%c", 0, 0, print, 0);
    }
    for (; more != NULL && *more != NULL; more++) {
        memcpy(text + length, *more, strlen(*more) + 1);
        length += strlen(*more) + 1;
    }
    if (last != NULL) {
        memcpy(text + length, last, strlen(last) + 1);
        length += strlen(last) + 1;
    }
    int sheet = memfd_create("sheet", MFD_CLOEXEC);
    if (sheet < 0 || write(sheet, text, length) != (ssize_t)length)
        abort();
    spawn(job, sheet);
    if (sscanf(receive(job), "2 hello %ld", &job->monitor) == 1)
        receive(job);
}

static void launch(struct job *job, long lines, const char *retain, const char *const *more)
{
    launch_with(job, lines, retain, more, NULL);
}

static int has_started(const struct job *job)
{
    return strncmp(job->answer, "2 started ", 10) == 0;
}

static long recorded(const struct job *job, const char *key)
{
    char path[128], line[128], name[64];
    long value = -1;
    snprintf(path, sizeof path, "%s/exit", job->dir);
    FILE *file = fopen(path, "re");
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

/* The launcher has left with this status, and nobody of it or of its job is there any more. */
static void collect(struct job *job, int wanted)
{
    int status = 0;
    if (job->monitor > 0) {
        AWAIT(job, waitpid((pid_t)job->monitor, &status, WNOHANG) == (pid_t)job->monitor);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == wanted);
    }
    AWAIT(job, job->listener < 0);
    CHECK(waitpid(-1, NULL, WNOHANG | (int)__WALL) < 0 && errno == ECHILD); /* and left us nobody */
    close(job->control);
    if (job->page != NULL)
        munmap(job->page, PAGE_BYTES);
}

/* The Start has failed with a step and an errno, and nothing else has happened. */
static void check_failed(struct job *job)
{
    char step[32];
    int error = 0;
    CHECK(sscanf(job->answer, "2 failed %31s %d", step, &error) == 2);
    CHECK(strcmp(step, "unknown") != 0);
    CHECK(error == plan.error || error == ECANCELED); /* whose child could not say why */
    CHECK(recorded(job, "version") == -1000);
    collect(job, 1);
}

/* The job has printed so many lines and exited with 7, and that is what its record, page and files say. */
static void check_ended(struct job *job, long lines)
{
    struct read_log log;
    char path[128];
    uint64_t total = (uint64_t)lines * LINE_BYTES;
    CHECK(strcmp(receive(job), "2 ended") == 0);
    CHECK(recorded(job, "exit_code") == 7);
    CHECK(recorded(job, "signal") == 0);
    CHECK(recorded(job, "log_complete") == 1);
    CHECK((uint64_t)recorded(job, "log_end") == total);
    uint64_t kept = atomic_load(&job->page->kept), lost = atomic_load(&job->page->lost);
    uint64_t oldest = atomic_load(&job->page->oldest);
    CHECK((uint64_t)recorded(job, "log_kept") == kept);
    CHECK(atomic_load(&job->page->end) == total);
    CHECK(atomic_load(&job->page->state) == PAGE_FINISHED);
    CHECK(total - oldest <= kept + lost); /* nothing from the oldest on is unaccounted for */
    CHECK(kept + lost <= total);
    CHECK(lost == 0 || atomic_load(&job->page->error) == (uint32_t)plan.error);
    snprintf(path, sizeof path, "%s/output", job->dir);
    CHECK(read_log(&log, path, 3) && lines_are_right(&log));
    CHECK(log.kept == kept || (plan.unlink_failed && log.kept > kept));
    CHECK(log.end == total || (lost > 0 && log.end < total)); /* the floor was not taken either */
    CHECK(log.records == 0 || plan.unlink_failed || log.frames[0].start == oldest);
    free_log(&log);
    collect(job, 0);
}

/* --- the tests ---------------------------------------------------------------------------------- */

static const int ERRORS[] = {ENOSPC, EDQUOT, EIO, EINTR};
enum { ERROR_COUNT = sizeof ERRORS / sizeof ERRORS[0], EVER = 1000000000 };

/* Fails the n-th call, for each n that there is. */
static void sweep(int error, const char *const *more)
{
    enum { LINES = 2000 };
    int started = 0, refused = 0;
    for (long n = 1, met = 1; met && current_failed == 0; n++) {
        struct job job;
        plan_fault(BOTH, ANY, error, n, 1);
        snprintf(where, sizeof where, " (%s at call %ld)", strerrorname_np(error), n);
        launch(&job, LINES, "retain=40960", more);
        if (has_started(&job)) {
            check_ended(&job, LINES);
            /* It comes to whoever is stopped or debugged, and is no reason to lose anything. */
            CHECK(error != EINTR || recorded(&job, "log_kept") == LINES * LINE_BYTES);
            started++;
        } else {
            check_failed(&job);
            refused++;
        }
        met = plan.failed > 0;
    }
    CHECK(started > 5 && refused > 5);
    if (getenv("TIMES") != NULL)
        printf("    %s: %d starts refused, %d jobs ended\n", strerrorname_np(error), refused, started);
}

/* What the mark is: "" if there is none, "file", or what the link says. */
static const char *mark_in(const char *directory)
{
    static char text[64];
    char path[160];
    struct stat st;
    snprintf(path, sizeof path, "%s/started", directory);
    ssize_t n = readlink(path, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return n < 0 && lstat(path, &st) == 0 ? "file" : text;
}

static void a_mark_that_is_to_outlive_the_host_is_synchronised_or_nothing_is_executed(void)
{
    static const char *const DURABLE[] = {"durable=1", NULL};
    static const char *const PLAIN[] = {NULL};
    struct job job;
    plan_fault(LAUNCHER, SYNC, EIO, 4, 1);
    launch(&job, 10, "retain=40960", DURABLE);
    CHECK(has_started(&job) && plan.met == 3); /* the file, its entry, and its directory's entry */
    CHECK(strcmp(mark_in(job.dir), "file") == 0);
    check_ended(&job, 10);
    for (int n = 1; n <= 3; n++) {
        plan_fault(LAUNCHER, SYNC, EIO, n, 1);
        launch(&job, 10, "retain=40960", DURABLE);
        CHECK(strcmp(job.answer, "2 failed mark 5") == 0);
        CHECK(strcmp(mark_in(job.dir), "mark 5") == 0);
        check_failed(&job);
    }
    plan_fault(LAUNCHER, SYNC, EIO, 1, EVER);
    launch(&job, 10, "retain=40960", PLAIN); /* nobody has asked for it, and nobody waits for it */
    CHECK(has_started(&job) && plan.met == 0);
    check_ended(&job, 10);
}

static void a_mark_that_cannot_be_made_is_none_and_nothing_is_executed(void)
{
    struct job job;
    plan_fault(LAUNCHER, OPEN, ENOSPC, 1, 1);
    plan.marks = 1;
    launch(&job, 10, "retain=40960", NULL);
    CHECK(plan.failed == 1);
    CHECK(strcmp(job.answer, "2 failed mark 28") == 0);
    CHECK(strcmp(mark_in(job.dir), "") == 0);
    check_failed(&job);
}

static void a_mark_in_a_directory_that_was_moved_away_executes_nothing(void)
{
    struct job job;
    char directory[96], moved[128];
    plan_fault(LAUNCHER, OPEN, 0, 1, 1);
    plan.marks = 1;
    snprintf(directory, sizeof directory, "%s/%d", root, launches + 1);
    snprintf(moved, sizeof moved, "%s.moved", directory);
    plan.moves = directory;
    launch(&job, 10, "retain=40960", NULL);
    CHECK(plan.failed == 1);
    CHECK(sscanf(job.answer, "2 failed mark %*d") == 0 && strncmp(job.answer, "2 failed mark ", 14) == 0);
    CHECK(strcmp(mark_in(moved), "mark 116") == 0);
    plan.error = ESTALE;
    check_failed(&job);
}

static void a_mark_that_cannot_be_taken_back_claims_less_than_is_known(void)
{
    struct job job;
    memcpy(holder_entry, "arg=/no/such/program", sizeof "arg=/no/such/program");
    plan_fault(LAUNCHER, LINK, ENOSPC, 1, 1);
    launch(&job, 10, "retain=40960", NULL);
    snprintf(holder_entry, sizeof holder_entry, "arg=%s", holder_path);
    CHECK(plan.failed == 1);
    CHECK(strcmp(job.answer, "2 failed exec 2") == 0);
    CHECK(strcmp(mark_in(job.dir), "file") == 0);
    plan.error = ENOENT;
    check_failed(&job);
}

static void whichever_call_fails_the_start_fails_by_name_or_the_end_is_told_truly(void)
{
    for (size_t i = 0; i < ERROR_COUNT; i++)
        sweep(ERRORS[i], NULL);
}

static void whichever_call_of_an_isolated_launch_fails_likewise(void)
{
    static const char *const isolated[] = {"isolate=1", "uid=70000", "gid=70000", "env=PATH=/usr/bin:/bin", NULL};
    sweep(EIO, isolated);
}

static void a_start_that_cannot_begin_says_at_which_step_and_why(void)
{
    static const struct {
        enum call call;
        int creates;
        long which;
        const char *step;
    } cases[] = {
        {OPEN, 1, 1, "life-lock"}, {MAKE_MEMORY, 0, 1, "page"}, {TRUNCATE, 0, 1, "page"},
        {MAKE_DIRECTORY, 0, 1, "log"}, {OPEN, 1, 2, "log"}, {PWRITE, 0, 1, "log"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct job job;
            char wanted[64];
            plan_fault(LAUNCHER, cases[i].call, ERRORS[k], cases[i].which, EVER);
            plan.creates = cases[i].creates;
            launch(&job, 1, "retain=40960", NULL);
            snprintf(wanted, sizeof wanted, "2 failed %s %d", cases[i].step, ERRORS[k]);
            snprintf(where, sizeof where, " (%s)", wanted);
            CHECK(strcmp(job.answer, wanted) == 0);
            check_failed(&job);
        }
    }
}

/* So much that there are more turns, of 256 KiB at most and two calls at least, than are waited for below, on a busy machine too. */
enum { MANY_LINES = 1000000 };

/* As of a network's, or of a disk that was taken out. */
static void the_search_of_path_goes_on_behind_a_file_system_that_is_gone(void)
{
    static const int gone[] = {ESTALE, ENODEV, ETIMEDOUT};
    const char *name = strrchr(holder_path, '/') + 1;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "env=PATH=/tmp:%.*s", (int)(name - 1 - holder_path), holder_path);
    snprintf(holder_entry, sizeof holder_entry, "arg=%s", name);
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        struct job job;
        snprintf(where, sizeof where, " (%s)", strerrorname_np(gone[i]));
        plan_fault(LAUNCHER, EXECUTE, gone[i], 1, 1);
        launch_with(&job, 100, "retain=40960", NULL, path);
        CHECK(plan.failed == 1 && plan.met == 2);
        CHECK(has_started(&job));
        check_ended(&job, 100);
    }
    snprintf(holder_entry, sizeof holder_entry, "arg=%s", holder_path);
}

/* From some call on, until the job has ended. */
static void a_disk_that_takes_nothing_any_more_costs_output_and_no_end(void)
{
    enum { LINES = MANY_LINES };
    static const long from[] = {1, 2, 3, 50, 51, 52, 53};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < sizeof from / sizeof from[0]; k++) {
            struct job job;
            plan_fault(CAPTURE, ANY, ERRORS[i], from[k], EVER);
            snprintf(where, sizeof where, " (%s from call %ld on)", strerrorname_np(ERRORS[i]), from[k]);
            launch(&job, LINES, "retain=16777216", NULL);
            CHECK(has_started(&job));
            AWAIT(&job, plan.failed > 0);
            uint64_t kept_most = (uint64_t)from[k] * 256 * 1024; /* a turn */
            CHECK(atomic_load(&job.page->kept) <= kept_most);
            /* It is tried again when there is more to write, and not without end. */
            check_ended(&job, LINES);
            CHECK(plan.met <= 8 * (LINES * LINE_BYTES / WRITE_BYTES) + 100);
        }
    }
}

/* Looks at a log while it is written, until so much is lost, or all is written. Returns how often there was something. */
static int read_until(struct job *job, uint64_t lost)
{
    char path[128];
    int seen = 0;
    unsigned file = 0;
    snprintf(path, sizeof path, "%s/output", job->dir);
    for (long long until = now_ms() + PATIENCE_MS; now_ms() < until; file = (file + 1) % 8) {
        serve_calls(job);
        int now = read_live(job->page, path, file);
        CHECK(now >= 0);
        seen += now > 0;
        if (atomic_load(&job->page->lost) > lost || atomic_load(&job->page->state) != PAGE_CAPTURING)
            return seen;
    }
    CHECK(!"the log goes on");
    return seen;
}

static void when_the_disk_takes_something_again_the_log_goes_on_and_readers_see_right_bytes(void)
{
    enum { LINES = MANY_LINES };
    int seen = 0;
    for (size_t i = 0; i < 3; i++) {
        for (long from = 20; from < 26; from++) { /* at each kind of call */
            struct job job;
            snprintf(where, sizeof where, " (%s from call %ld on)", strerrorname_np(ERRORS[i]), from);
            plan_fault(CAPTURE, ANY, ERRORS[i], from, EVER);
            launch(&job, LINES, "retain=65536", NULL);
            CHECK(has_started(&job));
            (void)read_until(&job, 10000);
            plan.length = 0;
            CHECK(atomic_load(&job.page->end) < LINES * LINE_BYTES); /* else there is nothing to go on with */
            seen += read_until(&job, UINT64_MAX);
            check_ended(&job, LINES);
            CHECK((uint64_t)recorded(&job, "log_kept") > 8 * 1024);
        }
    }
    CHECK(seen > 0);
}

static void an_exit_record_that_cannot_be_written_is_tried_until_it_can(void)
{
    static const enum call calls[] = {OPEN, WRITE, RENAME};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct job job;
        snprintf(where, sizeof where, " (%s of call %d)", strerrorname_np(ERRORS[i]), (int)calls[i]);
        plan_none();
        launch(&job, 100, "retain=40960", NULL);
        CHECK(has_started(&job));
        plan_fault(LAUNCHER, calls[i], ERRORS[i], 1, EVER);
        long long start = now_ms();
        AWAIT(&job, plan.failed >= 1);
        for (int nudge = 0; nudge < 2; nudge++) { /* whatever happens is a reason to try again */
            long before = plan.failed;
            CHECK(send(job.control, "2 look", 6, MSG_NOSIGNAL) == 6);
            AWAIT(&job, plan.failed > before);
        }
        AWAIT(&job, plan.failed >= (i == 0 ? 6 : 4)); /* and so is time, a second */
        CHECK(i > 0 || plan.failed <= 5 + (now_ms() - start) / 1000);
        CHECK(recorded(&job, "version") == -1000);
        plan.length = 0;
        check_ended(&job, 100);
    }
}

/* A cgroup for one job, as "cgroup=PATH"; its path; NULL: none can be made here. */
static const char *make_cgroup(char entry[128])
{
    static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s/cgroup.procs", mounts[i]);
        snprintf(entry, 128, "cgroup=%s/job-worker-fault-%ld-%d", mounts[i], (long)getpid(), launches);
        if (access(file, F_OK) == 0 && mkdir(entry + strlen("cgroup="), 0755) == 0)
            return entry + strlen("cgroup=");
    }
    return NULL;
}

/* NULL, and the test is counted as skipped, where none can be made. */
static const char *need_cgroup(char entry[128])
{
    const char *cgroup = make_cgroup(entry);
    if (cgroup == NULL) {
        printf("skipped, for no cgroup can be made here: %s\n", current);
        current_skipped = 1;
    }
    return cgroup;
}

static void what_the_job_has_used_is_looked_for_again_and_never_made_up(void)
{
    for (int passes = 0; passes < 2; passes++) {
        struct job job;
        char entry[128];
        const char *cgroup = need_cgroup(entry);
        if (cgroup == NULL)
            return;
        snprintf(where, sizeof where, passes ? " (for a while)" : " (for ever)");
        plan_none();
        launch_with(&job, 100, "retain=40960", NULL, entry);
        CHECK(has_started(&job));
        plan_fault(LAUNCHER, OPEN, EMFILE, 1, EVER);
        plan.reads = 1;
        if (passes) {
            AWAIT(&job, plan.failed >= 4);
            CHECK(recorded(&job, "version") == -1000);
            plan.length = 0;
        }
        check_ended(&job, 100);
        CHECK(passes ? recorded(&job, "cgroup_cpu_usec") > 0 : recorded(&job, "cgroup_cpu_usec") == -2);
        CHECK(passes ? recorded(&job, "cgroup_oom_kills") >= -1 : recorded(&job, "cgroup_oom_kills") == -2);
        CHECK(rmdir(cgroup) == 0);
    }
}

static void what_a_cgroup_has_told_is_kept_and_a_removed_one_has_told_nothing(void)
{
    for (int told = 0; told < 2; told++) {
        struct job job;
        char entry[128];
        const char *cgroup = need_cgroup(entry);
        if (cgroup == NULL)
            return;
        snprintf(where, sizeof where, told ? " (told)" : " (removed)");
        plan_none();
        launch_with(&job, 100, "retain=40960", NULL, entry);
        CHECK(has_started(&job));
        plan_fault(LAUNCHER, OPEN, told ? ENOSPC : EMFILE, 1, EVER);
        plan.reads = !told;
        plan.creates = told;
        AWAIT(&job, plan.failed >= 4);
        CHECK(recorded(&job, "version") == -1000);
        CHECK(rmdir(cgroup) == 0);
        plan.length = 0;
        check_ended(&job, 100);
        CHECK(told ? recorded(&job, "cgroup_cpu_usec") > 0 : recorded(&job, "cgroup_cpu_usec") == -2);
        CHECK(told ? recorded(&job, "cgroup_oom_kills") >= -1 : recorded(&job, "cgroup_oom_kills") == -2);
    }
}

#define RUN(test) run(#test, test)

static void run(const char *name, void (*test)(void))
{
    if (getenv("ONLY") != NULL && strstr(name, getenv("ONLY")) == NULL)
        return;
    current = name;
    current_failed = 0;
    current_skipped = 0;
    where[0] = '\0';
    long long start = now_ms();
    test();
    if (getenv("TIMES") != NULL)
        printf("%6lld ms  %s\n", now_ms() - start, name);
    current_failed ? failed++ : current_skipped ? skipped++ : passed++;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    binary = argv[1];
    holder_path = argv[2];
    snprintf(holder_entry, sizeof holder_entry, "arg=%s", holder_path);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(root, sizeof root, "/tmp/fault-test.XXXXXX");
    if (mkdtemp(root) == NULL)
        return 2;
    RUN(a_start_that_cannot_begin_says_at_which_step_and_why);
    RUN(a_mark_that_is_to_outlive_the_host_is_synchronised_or_nothing_is_executed);
    RUN(a_mark_that_cannot_be_made_is_none_and_nothing_is_executed);
    RUN(a_mark_in_a_directory_that_was_moved_away_executes_nothing);
    RUN(a_mark_that_cannot_be_taken_back_claims_less_than_is_known);
    RUN(whichever_call_fails_the_start_fails_by_name_or_the_end_is_told_truly);
    if (geteuid() == 0)
        RUN(whichever_call_of_an_isolated_launch_fails_likewise);
    RUN(the_search_of_path_goes_on_behind_a_file_system_that_is_gone);
    RUN(a_disk_that_takes_nothing_any_more_costs_output_and_no_end);
    RUN(when_the_disk_takes_something_again_the_log_goes_on_and_readers_see_right_bytes);
    RUN(an_exit_record_that_cannot_be_written_is_tried_until_it_can);
    RUN(what_the_job_has_used_is_looked_for_again_and_never_made_up);
    RUN(what_a_cgroup_has_told_is_kept_and_a_removed_one_has_told_nothing);
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", root);
    if (system(command) != 0)
        printf("could not remove %s\n", root);
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed == 0 ? 0 : 1;
}

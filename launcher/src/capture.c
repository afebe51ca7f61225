#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "helper.h"

enum {
    BUFFER_BYTES = 256 * 1024,
    ROOMY_BYTES = 4 * 1024 * 1024, /* a ring that holds what is in two pipes */
    QUIET_MS = 1000, /* then the buffer's memory goes back */
    PIPES = 2
};

static const char LOOK = 'l';

struct source {
    int fd; /* -1: closed */
    enum log_stream stream;
};

struct capturer {
    struct log *log;
    struct source sources[PIPES];
    int socket;
    int wake_fd;
    int waits;  /* for a reader; the pipes fill meanwhile */
    int ending;
    int buffer_used; /* its memory is ours now */
    char *buffer;
};

static uint64_t now(clockid_t clock, uint64_t units_per_second)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * units_per_second + (uint64_t)time.tv_nsec / (1000000000 / units_per_second);
}

static void wake(const struct capturer *me)
{
    const uint64_t one = 1;
    ssize_t ignored = write(me->wake_fd, &one, sizeof one); /* EAGAIN: so many are unread that one more says nothing */
    (void)ignored;
}

/* page.h says why this order, and why nothing weaker. */
static void tell(struct capturer *me)
{
    int wanted = atomic_exchange(&me->log->page->waiting, 0) != 0;
    if (!wanted && !me->log->grown)
        return;
    me->log->grown = 0;
    wake(me);
}

static void close_source(struct source *source)
{
    close(source->fd);
    source->fd = -1;
}

/* Reads from a pipe that is not blocking; 0 when there is nothing now. Closes it when nobody can write any more. */
static size_t read_source(struct source *source, char *buffer, size_t length)
{
    ssize_t n;
    do
        n = read(source->fd, buffer, length);
    while (n < 0 && errno == EINTR);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        close_source(source);
    return n > 0 ? (size_t)n : 0;
}

/*
 * How much of stdout there is room for beside stderr. In proportion, so that neither keeps the other from being read,
 * and so that at the end, where all is wanted, the tails of both are last.
 */
static size_t share_of_out(const size_t wanted[PIPES], size_t room)
{
    size_t both = wanted[0] + wanted[1];
    if (both <= room || wanted[0] == 0)
        return wanted[0];
    size_t share = (size_t)((uint64_t)room * wanted[0] / both);
    return share > 0 ? share : 1;
}

/*
 * What lies ready in the given sources, at most so much of each, goes into the log. Returns how much it was, and leaves
 * in wanted what is still wanted.
 */
static size_t turn(struct capturer *me, size_t wanted[PIPES])
{
    size_t room = 0;
    enum log_room answer = log_room(me->log, &room);
    me->waits = answer == LOG_MUST_WAIT;
    if (me->waits) {
        wake(me); /* where the readers are is told only to a writer that waits */
        return 0;
    }
    struct log_piece pieces[PIPES];
    size_t count = 0;
    size_t used = 0;
    struct page *page = me->log->page;
    /* A last segment that grows has few records left: then one stream after the other. */
    int one_by_one = room == SIZE_MAX;
    if (room > BUFFER_BYTES)
        room = BUFFER_BYTES;
    const size_t most[PIPES] = {one_by_one ? wanted[0] : share_of_out(wanted, room), wanted[1]};
    atomic_store_explicit(&page->reading_since_ms, now(CLOCK_MONOTONIC, 1000), memory_order_relaxed);
    for (size_t i = 0; i < PIPES; i++) {
        size_t length = most[i] < room - used ? most[i] : room - used;
        if (length == 0 || me->sources[i].fd < 0)
            continue;
        size_t n = read_source(&me->sources[i], me->buffer + used, length);
        if (n > 0)
            pieces[count++] = (struct log_piece){me->sources[i].stream, n};
        wanted[i] -= n;
        used += n;
    }
    atomic_store_explicit(&page->reading_since_ms, 0, memory_order_relaxed);
    if (used == 0)
        return 0;
    if (atomic_load(&page->state) != PAGE_CAPTURING)
        _exit(1); /* the monitor could not wait for this read, and has told where the log ends */
    me->buffer_used = 1;
    if (answer == LOG_LOSES)
        log_lose(me->log, used, (int)atomic_load(&page->error));
    else
        log_append(me->log, me->buffer, pieces, count, now(CLOCK_REALTIME, 1000000));
    tell(me);
    return used;
}

/* Until nothing is left, or somebody else has read it. */
static void take_all(struct capturer *me, size_t left[PIPES])
{
    while (left[0] + left[1] > 0 && turn(me, left) > 0)
        continue;
}

/*
 * The rest: what is in the pipes at this moment and not a byte more, because somebody else may have been passed
 * their writing ends, and could go on for ever. Where nothing of it can overwrite the rest of it, one pipe after the
 * other, for the second may be held by somebody and the first not; else both together, so that the ends of both stay.
 */
static _Noreturn void drain_and_leave(struct capturer *me)
{
    size_t left[PIPES] = {0, 0};
    me->log->ending = 1;
    for (size_t i = 0; i < PIPES; i++) {
        int now_in_it = 0;
        if (me->sources[i].fd < 0)
            continue;
        atomic_store_explicit(&me->log->page->reading_since_ms, now(CLOCK_MONOTONIC, 1000), memory_order_relaxed);
        if (ioctl(me->sources[i].fd, FIONREAD, &now_in_it) == 0 && now_in_it > 0)
            left[i] = (size_t)now_in_it;
        atomic_store_explicit(&me->log->page->reading_since_ms, 0, memory_order_relaxed);
        if (me->log->retain_bytes >= ROOMY_BYTES)
            take_all(me, left);
    }
    take_all(me, left);
    const struct capture_report report = {me->log->end, log_kept(me->log)};
    log_finish(me->log);
    me->log->grown = 1; /* said to the server in any case */
    tell(me);
    for (size_t i = 0; i < PIPES; i++) { /* which may have to wait; the monitor, who is told after it, need not */
        if (me->sources[i].fd >= 0)
            close_source(&me->sources[i]);
    }
    ssize_t ignored = send(me->socket, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored; /* the monitor has gone: nobody wants to know */
    _exit(0);
}

static void obey(struct capturer *me)
{
    char command;
    for (;;) {
        ssize_t n = recv(me->socket, &command, 1, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            drain_and_leave(me); /* the job is dead; without the monitor too, or as good as */
        log_look(me->log);
        if (me->log->grown)
            tell(me);
        me->waits = 0; /* until it is looked at again */
    }
}

static _Noreturn void run(struct capturer *me)
{
    /* Both when both have something; one alone may take the whole buffer. */
    const size_t half = BUFFER_BYTES / 2;
    for (;;) {
        struct pollfd fds[1 + PIPES] = {{.fd = me->socket, .events = POLLIN}};
        for (size_t i = 0; i < PIPES; i++)
            fds[1 + i] = (struct pollfd){.fd = me->waits ? -1 : me->sources[i].fd, .events = POLLIN};
        int ready = poll(fds, 1 + PIPES, me->buffer_used ? QUIET_MS : -1);
        if (ready == 0) {
            me->buffer_used = 0;
            (void)madvise(me->buffer, BUFFER_BYTES, MADV_DONTNEED);
            continue;
        }
        if (ready < 0)
            continue; /* EINTR; nothing else is possible (poll(2)) */
        if (fds[0].revents != 0)
            obey(me);
        size_t wanted[PIPES] = {0, 0};
        int both = fds[1].revents != 0 && fds[2].revents != 0;
        for (size_t i = 0; i < PIPES; i++) {
            if (fds[1 + i].revents != 0)
                wanted[i] = both ? half : BUFFER_BYTES;
        }
        if (wanted[0] + wanted[1] > 0)
            (void)turn(me, wanted);
    }
}

int capture_start(struct capture *capture, const struct capture_pipes *pipes, struct log *log, int wake_fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    pid_t pid = helper_fork();
    if (pid == 0) {
        struct capturer me = {
            .log = log,
            .sources = {{pipes->out, LOG_STDOUT}, {pipes->err, LOG_STDERR}},
            .socket = pair[1],
            .wake_fd = wake_fd,
        };
        int keep[] = {pipes->out, pipes->err, pair[1], wake_fd, log->directory, log->fd};
        helper_close_others(keep, sizeof keep / sizeof keep[0]);
        (void)prctl(PR_SET_NAME, "jw-capture");
        me.buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (me.buffer == MAP_FAILED)
            _exit(1);
        run(&me);
    }
    int error = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return error;
    }
    close(pipes->out);
    if (pipes->err >= 0)
        close(pipes->err);
    close(log->fd);
    close(log->directory);
    capture->pid = pid;
    capture->socket = pair[0];
    return 0;
}

void capture_look(const struct capture *capture)
{
    if (capture->socket < 0)
        return;
    ssize_t ignored = send(capture->socket, &LOOK, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored; /* full: it is stuck, and has looks enough before it for when it goes on */
}

void capture_drain(const struct capture *capture)
{
    if (capture->socket >= 0)
        (void)shutdown(capture->socket, SHUT_WR); /* not a message: there may be no room for one more */
}

void capture_abandon(struct capture *capture)
{
    if (capture->socket >= 0)
        close(capture->socket);
    capture->socket = -1;
}

int capture_receive(struct capture *capture, struct capture_report *report)
{
    if (capture->socket < 0) {
        helper_reap(&capture->pid, WNOHANG);
        return -1;
    }
    ssize_t n;
    do
        n = recv(capture->socket, report, sizeof *report, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    int is_whole = n == (ssize_t)sizeof *report;
    capture_abandon(capture);
    helper_reap(&capture->pid, is_whole ? 0 : WNOHANG);
    return is_whole ? 1 : -1;
}

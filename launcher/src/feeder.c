#include "feeder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "packet.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the packets are");

enum {
    BUFFER_BYTES = sizeof(struct feeder_header) + FEEDER_PACKET_BYTES,
    /* A whole window, with what the kernel counts beside it (socket(7), SO_SNDBUF); it allows less if it wants. */
    SOCKET_BYTES = 2 * FEEDER_WINDOW_BYTES,
    QUIET_MS = 1000, /* then the buffer's memory goes back */
    TURN_PACKETS = 64, /* then the monitor is heard */
    FAREWELL_MS = 1000, /* for a server that has not read what it was told before; the monitor waits longer */
};

static const char NEW_PEER = 'n';
static const char LEFT = 'l';

struct feeding {
    int socket; /* to the monitor */
    int pipe;   /* -1: closed */
    int peer;   /* the server; -1: none */
    enum feeder_kind kind;
    uint64_t taken;
    uint64_t told; /* of what was taken */
    int untold; /* there was no room to tell the newest */
    size_t from; /* in the buffer: what is to be written */
    size_t to;
    int buffer_used; /* its memory is ours now */
    char *buffer;
};

static int has_bytes(const struct feeding *me)
{
    return me->from < me->to;
}

static void drop_peer(struct feeding *me)
{
    if (me->peer >= 0)
        close(me->peer);
    me->peer = -1;
    me->untold = 0;
}

static void tell(struct feeding *me)
{
    const struct feeder_report report = {me->kind, me->taken, me->taken + FEEDER_WINDOW_BYTES};
    me->told = me->taken;
    me->untold = 0;
    if (me->peer < 0)
        return; /* a new one is told at once */
    ssize_t n;
    do
        n = send(me->peer, &report, sizeof report, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    me->untold = n < 0 && errno == EAGAIN; /* gone: what it has sent is still to be read */
}

static void close_pipe(struct feeding *me, enum feeder_kind why)
{
    me->kind = why;
    me->from = me->to = 0;
    me->untold = 1; /* before the close, which may have to wait: the end is certain by now */
    if (why != FEEDER_ENDED)
        tell(me);
    close(me->pipe);
    me->pipe = -1;
    if (why == FEEDER_ENDED)
        tell(me); /* but that the job was given its end is true after it only */
}

/* Until all is written or the pipe is full. */
static void write_bytes(struct feeding *me)
{
    while (has_bytes(me)) {
        ssize_t n = write(me->pipe, me->buffer + me->from, me->to - me->from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) { /* EPIPE: nobody can read it any more */
            close_pipe(me, FEEDER_CLOSED);
            return;
        }
        me->from += (size_t)n;
        me->taken += (uint64_t)n;
    }
    if (me->taken - me->told >= FEEDER_PACKET_BYTES)
        tell(me);
}

/* Whether the packet, length bytes in the buffer, is one that can be followed here. */
static int take_packet(struct feeding *me, size_t length)
{
    struct feeder_header header;
    if (length < sizeof header || length > BUFFER_BYTES)
        return 0;
    memcpy(&header, me->buffer, sizeof header);
    if (me->kind != FEEDER_OPEN)
        return 1; /* it was on its way when it was told */
    size_t bytes = length - sizeof header;
    if (header.what == FEEDER_END && bytes == 0 && header.offset == me->taken) {
        close_pipe(me, FEEDER_ENDED);
        return 1;
    }
    if (header.what != FEEDER_BYTES || header.offset > me->taken)
        return 0;
    uint64_t known = me->taken - header.offset;
    if (known < bytes) {
        me->from = sizeof header + (size_t)known;
        me->to = length;
        write_bytes(me);
    }
    return 1;
}

static void hear_peer(struct feeding *me)
{
    for (int packets = 0; packets < TURN_PACKETS && me->peer >= 0 && !has_bytes(me); packets++) {
        ssize_t n = recv(me->peer, me->buffer, BUFFER_BYTES, MSG_DONTWAIT | MSG_TRUNC);
        /* unix(7): reset by a peer that has gone with our reports unread; what it has sent comes after that. */
        if (n < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        me->buffer_used = 1;
        if (n <= 0 || !take_packet(me, (size_t)n))
            drop_peer(me);
    }
}

static _Noreturn void leave(struct feeding *me)
{
    if (me->pipe >= 0)
        close_pipe(me, FEEDER_OVER);
    struct pollfd peer = {.fd = me->peer, .events = POLLOUT};
    if (me->untold && poll(&peer, 1, FAREWELL_MS) > 0)
        tell(me);
    ssize_t ignored = send(me->socket, &LEFT, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored; /* the monitor has gone: nobody wants to know */
    _exit(0);
}

static void obey(struct feeding *me)
{
    int peer = -1;
    pid_t ignored;
    if (packet_receive(me->socket, &ignored, &peer) != NEW_PEER)
        leave(me);
    if (peer < 0)
        return; /* there was no room for it */
    drop_peer(me);
    me->from = me->to = 0; /* not taken: the new one may have other bytes for this place */
    me->peer = peer;
    tell(me);
}

static _Noreturn void run(struct feeding *me)
{
    for (;;) {
        int writing = has_bytes(me);
        short wanted = (short)((writing ? 0 : POLLIN) | (me->untold ? POLLOUT : 0));
        /* poll(2): that nobody can read the pipe any more, POLLERR, is told in any case. */
        struct pollfd fds[] = {
            {.fd = me->socket, .events = POLLIN},
            {.fd = me->pipe, .events = writing ? POLLOUT : 0},
            {.fd = wanted != 0 ? me->peer : -1, .events = wanted},
        };
        int ready = poll(fds, sizeof fds / sizeof fds[0], me->buffer_used && !writing ? QUIET_MS : -1);
        if (ready == 0) {
            me->buffer_used = 0;
            (void)madvise(me->buffer, BUFFER_BYTES, MADV_DONTNEED);
        }
        if (ready <= 0)
            continue; /* EINTR; nothing else is possible */
        if (fds[0].revents != 0)
            obey(me);
        if (me->pipe >= 0 && (fds[1].revents & POLLERR) != 0)
            close_pipe(me, FEEDER_CLOSED);
        else if (fds[1].revents != 0)
            write_bytes(me);
        hear_peer(me);
        if (me->untold || me->taken != me->told)
            tell(me); /* small packets together */
    }
}

int feeder_start(struct feeder *feeder, int pipe_fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return errno;
    pid_t pid = helper_fork();
    if (pid == 0) {
        struct feeding me = {.socket = pair[1], .pipe = pipe_fd, .peer = -1, .kind = FEEDER_OPEN};
        int keep[] = {pair[1], pipe_fd};
        helper_close_others(keep, sizeof keep / sizeof keep[0]);
        (void)prctl(PR_SET_NAME, "jw-stdin");
        me.buffer = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (me.buffer == MAP_FAILED)
            _exit(1);
        run(&me);
    }
    int error = pid < 0 ? errno : 0;
    close(pair[1]);
    close(pipe_fd);
    /* The monitor's end: a feeder that waits for the pipe hears nothing, and the monitor must not wait with it. */
    if (error == 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
        error = errno;
    if (pid < 0) {
        close(pair[0]);
        return error;
    }
    feeder->pid = pid;
    feeder->socket = pair[0];
    return error;
}

int feeder_connect(const struct feeder *feeder)
{
    int pair[2];
    const int bytes = SOCKET_BYTES;
    if (feeder->socket < 0 || feeder->leaving ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return -1;
    if (setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0 ||
        packet_send(feeder->socket, &NEW_PEER, 1, &pair[1], 1) != 0) {
        close(pair[0]);
        pair[0] = -1;
    }
    close(pair[1]);
    return pair[0];
}

void feeder_leave(struct feeder *feeder)
{
    feeder->leaving = 1;
    if (feeder->socket >= 0)
        (void)shutdown(feeder->socket, SHUT_WR); /* not a message: there may be no room for one more */
}

int feeder_has_left(struct feeder *feeder)
{
    char word = 0;
    ssize_t n = -1;
    if (feeder->socket >= 0) {
        do
            n = recv(feeder->socket, &word, 1, MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno == EAGAIN)
            return 0;
        close(feeder->socket);
        feeder->socket = -1;
    }
    helper_reap(&feeder->pid, n == 1 && word == LEFT ? 0 : WNOHANG);
    return 1;
}

/*
 * A job, or a stranger to whom a job passes its output, that treats the pipe as no well-behaved program does.
 *
 *   hold                  locks its stdout, with bytes in it, for ever
 *   hold-empty            the same without bytes
 *   pass SOCKET           gives its stdout to a stranger, and exits with 7 on SIGTERM
 *   take SOCKET hold|hold-empty|flood   the stranger: locks what it is given, or writes into it for ever
 *   count LINES merged|two   numbered lines of eight bytes, on one stream or on both in turn; exits with 7
 *   answer                a line for each byte on stdin
 *   hold-stdin            locks its stdin, with bytes in it, for ever
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HELD_BYTES = 4096, LINE_BYTES = 8 };

/*
 * splice(2) from a socket that has nothing waits for it inside the kernel, with the pipe's mutex in its hands. The
 * bytes are written just before, so that whoever reads the pipe is on its way and has to wait for the mutex.
 */
static void hold(int pipe_fd, size_t length)
{
    static const char bytes[HELD_BYTES];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || write(pipe_fd, bytes, length) != (ssize_t)length)
        exit(1);
    (void)splice(pair[0], NULL, pipe_fd, NULL, 1, 0);
}

/* Into a socket that takes nothing: splice(2) waits for it with the mutex of the pipe in its hands. */
static void hold_stdin(void)
{
    static const char bytes[HELD_BYTES];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        exit(1);
    while (send(pair[0], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
    while (send(pair[0], bytes, 1, MSG_DONTWAIT) > 0)
        continue;
    (void)splice(0, NULL, pair[0], NULL, HELD_BYTES, 0);
}

static void flood(int pipe_fd)
{
    static const char bytes[HELD_BYTES];
    signal(SIGPIPE, SIG_IGN);
    while (write(pipe_fd, bytes, sizeof bytes) > 0)
        continue;
}

static void leave(int number)
{
    (void)number;
    _exit(7);
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

union one_fd {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

static void pass(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    union one_fd control = {0};
    struct iovec data = {.iov_base = &(char){'x'}, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(header), &(int){1}, sizeof(int));
    signal(SIGTERM, leave);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || sendmsg(fd, &message, 0) != 1)
        exit(1);
    for (;;)
        pause();
}

static int take(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    union one_fd control = {0};
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0)
        exit(1);
    int fd = accept(listener, NULL, NULL);
    int taken = -1;
    if (recvmsg(fd, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL)
        exit(1);
    memcpy(&taken, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof taken);
    return taken;
}

static void count(long lines, int both)
{
    enum { LINES_AT_ONCE = 64 };
    char text[LINES_AT_ONCE * LINE_BYTES + 1];
    for (long line = 0; line < lines;) {
        size_t length = 0;
        for (int i = 0; i < LINES_AT_ONCE && line < lines; i++, line++)
            length += (size_t)snprintf(text + length, LINE_BYTES + 1, "%07ld\n", line % 10000000);
        if (write(both && line / LINES_AT_ONCE % 2 == 0 ? 2 : 1, text, length) != (ssize_t)length)
            exit(1);
    }
    exit(7);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "hold") == 0)
        hold(1, HELD_BYTES);
    else if (strcmp(verb, "hold-empty") == 0)
        hold(1, 0);
    else if (strcmp(verb, "hold-stdin") == 0)
        hold_stdin();
    else if (strcmp(verb, "pass") == 0 && argc == 3)
        pass(argv[2]);
    else if (strcmp(verb, "take") == 0 && argc == 4 && strcmp(argv[3], "hold") == 0)
        hold(take(argv[2]), HELD_BYTES);
    else if (strcmp(verb, "take") == 0 && argc == 4 && strcmp(argv[3], "hold-empty") == 0)
        hold(take(argv[2]), 0);
    else if (strcmp(verb, "take") == 0 && argc == 4)
        flood(take(argv[2]));
    else if (strcmp(verb, "count") == 0 && argc == 4)
        count(atol(argv[2]), strcmp(argv[3], "two") == 0);
    else if (strcmp(verb, "answer") == 0) {
        char byte;
        while (read(0, &byte, 1) == 1 && write(1, "1234567\n", LINE_BYTES) == LINE_BYTES)
            continue;
    }
    return 3;
}

#include "control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "packet.h"

int control_listen(struct control *control)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    control->listener = fd;
    return 0;
}

static void drop_peer(struct control *control)
{
    if (control->peer >= 0)
        close(control->peer);
    control->peer = -1;
}

/* poll(2): the hang-up of a peer that has died shows also before what it has sent is taken. */
static int peer_is_alive(const struct control *control)
{
    struct pollfd peer = {.fd = control->peer, .events = POLLRDHUP};
    if (control->peer < 0)
        return 0;
    return poll(&peer, 1, 0) <= 0 || (peer.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

/* After a send: a peer that has gone may have said something that is still to be read, and its end shows behind that. */
static void drop_if_broken(struct control *control, int error)
{
    if (error != 0 && error != EAGAIN && error != EPIPE && error != ECONNRESET)
        drop_peer(control);
}

int control_accept(struct control *control)
{
    if (control->listener < 0)
        return 0;
    int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return 0;
    struct ucred peer;
    socklen_t size = sizeof peer;
    /* unix(7): SO_PEERCRED is what the kernel saw at connect. A job must not end its own monitor. */
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid() ||
        peer_is_alive(control)) {
        close(fd);
        return 0;
    }
    drop_peer(control);
    control->peer = fd;
    return 1;
}

void control_send(struct control *control, const char *format, ...)
{
    if (control->peer < 0)
        return;
    char text[CONTROL_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text)
        return;
    drop_if_broken(control, send(control->peer, text, (size_t)length, MSG_NOSIGNAL) < 0 ? errno : 0);
}

void control_send_output(struct control *control, int page_fd, int wake_fd)
{
    static const char text[] = "2 output";
    const int fds[] = {page_fd, wake_fd};
    if (control->peer < 0)
        return;
    drop_if_broken(control, packet_send(control->peer, text, sizeof text - 1, fds, sizeof fds / sizeof fds[0]));
}

void control_send_input(struct control *control, int fd)
{
    static const char text[] = "2 input";
    if (control->peer < 0)
        return;
    int error = packet_send(control->peer, text, sizeof text - 1, &fd, fd >= 0);
    if (error == ETOOMANYREFS) /* unix(7): no descriptor can be passed now, and the answer says so */
        error = packet_send(control->peer, text, sizeof text - 1, NULL, 0);
    drop_if_broken(control, error);
}

static struct control_message parse(const char *text)
{
    struct control_message message = {CONTROL_NONE, 0, 0};
    int signal = 0;
    long long grace_ms = 0;
    if (strcmp(text, "2 look") == 0) {
        message.verb = CONTROL_LOOK;
    } else if (strcmp(text, "2 input") == 0) {
        message.verb = CONTROL_INPUT;
    } else if (sscanf(text, "2 stop %d %lld", &signal, &grace_ms) == 2 && signal > 0 && signal < NSIG && grace_ms >= 0) {
        message.verb = CONTROL_STOP;
        message.signal = signal;
        message.grace_ms = grace_ms;
    } else if (sscanf(text, "2 signal %d", &signal) == 1 && signal > 0 && signal < NSIG) {
        message.verb = CONTROL_SIGNAL;
        message.signal = signal;
    }
    return message;
}

struct control_message control_receive(struct control *control)
{
    struct control_message none = {CONTROL_NONE, 0, 0};
    while (control->peer >= 0) {
        char text[128];
        ssize_t length = recv(control->peer, text, sizeof text - 1, MSG_DONTWAIT);
        /* unix(7): reset by a peer that has gone with ours unread; what it has said comes after that. */
        if (length < 0 && (errno == EINTR || errno == ECONNRESET))
            continue;
        if (length < 0 && errno == EAGAIN)
            return none;
        if (length <= 0) {
            drop_peer(control);
            return none;
        }
        text[length] = '\0';
        struct control_message message = parse(text);
        if (message.verb != CONTROL_NONE)
            return message; /* an unknown message is a newer server's; it is passed over */
    }
    return none;
}

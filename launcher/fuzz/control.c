/* Whatever a server says is one of its messages, with figures that can be obeyed, or passed over. */
#include "../src/control.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        abort();
    struct control control = {.listener = -1, .peer = pair[0]};
    for (size_t at = 0, sent = 0; at < size && sent < 8; sent++) { /* lines are messages */
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
        if (length > 0 && send(pair[1], data + at, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EMSGSIZE)
            abort();
        at += length + 1;
    }
    close(pair[1]);
    for (;;) {
        struct control_message message = control_receive(&control);
        if (message.verb == CONTROL_NONE)
            break;
        if (message.verb == CONTROL_STOP && (message.signal <= 0 || message.signal >= NSIG || message.grace_ms < 0))
            abort();
    }
    if (control.peer >= 0)
        close(control.peer);
    return 0;
}

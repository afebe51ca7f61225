/*
 * Packets with descriptors (unix(7), SCM_RIGHTS) over the launcher's packet sockets. Async-signal-safe.
 */
#ifndef JOB_WORKER_PACKET_H
#define JOB_WORKER_PACKET_H

#include <stddef.h>
#include <sys/types.h>

enum { PACKET_MAX_FDS = 2 };

/* One packet with up to PACKET_MAX_FDS descriptors, which stay the caller's too. 0 or errno. */
int packet_send(int socket, const void *bytes, size_t length, const int *fds, size_t count);

/*
 * Waits for one packet of one byte, which tells what it is, and returns it; 0 when nobody can send any more, or
 * on failure. The sender's PID as we see it, and the descriptor with it (close-on-exec), if there are any;
 * the socket must have SO_PASSCRED.
 */
char packet_receive(int socket, pid_t *sender, int *fd);

#endif

/*
 * The feeder: a process of its own (helper.h) that writes what a client sends into the job's stdin, while the job
 * runs. Whoever writes into a pipe or closes it may have to wait in the kernel for as long as somebody holds the
 * pipe's mutex, as capture may, and so the monitor does neither.
 *
 * A server that has something for the job asks the monitor for a connection ("2 input", control.h): a packet socket,
 * whose other end the feeder gets. One at a time: a new connection takes the place of the one before, of which
 * nothing more is taken. Packets, whose numbers are little-endian and of 64 bits:
 *
 *   feeder -> server   KIND TAKEN LIMIT   at once, and whenever one of them has changed
 *                      KIND 1: the pipe is open; 2: the job has been given its end of file; 3: the job has closed
 *                      its stdin; 4: the job is dead. All before TAKEN is in the pipe, nothing from it on is, and what
 *                      is sent may go up to LIMIT. After 2, 3 and 4 TAKEN never changes again.
 *   server -> feeder   1 OFFSET BYTES     up to FEEDER_PACKET_BYTES, the first of which is that of OFFSET
 *                      2 OFFSET           there are so many, and no more: the job gets its end of file
 *
 * Offsets count from the job's start, over all connections. Bytes before TAKEN are passed over, so that a server that
 * does not know what was taken may send them again; a gap, and an end that is not where the bytes end, break the
 * connection. A connection that ends with packets unread fails once with ECONNRESET (unix(7)), before what was said last.
 * What a connection that has gone had sent is written all the same, unless a new one comes first.
 */
#ifndef JOB_WORKER_FEEDER_H
#define JOB_WORKER_FEEDER_H

#include <stdint.h>
#include <sys/types.h>

enum { FEEDER_PACKET_BYTES = 64 * 1024, FEEDER_WINDOW_BYTES = 256 * 1024 };

enum feeder_kind { FEEDER_OPEN = 1, FEEDER_ENDED, FEEDER_CLOSED, FEEDER_OVER };

struct feeder_report {
    uint64_t kind;
    uint64_t taken;
    uint64_t limit;
};

enum { FEEDER_BYTES = 1, FEEDER_END = 2 };

/* Before the bytes. */
struct feeder_header {
    uint64_t what;
    uint64_t offset;
};

struct feeder {
    pid_t pid;  /* 0: not started, or reaped */
    int socket; /* packet socket to it; -1: none */
    int leaving;
};

/* Starts the feeder of a pipe, whose writing end it takes, and which is closed in this process. 0 or errno. */
int feeder_start(struct feeder *feeder, int pipe_fd);

/* A new connection: the server's end of it, or -1 if there cannot be one. Never blocks. */
int feeder_connect(const struct feeder *feeder);

/* The tree is dead: there is nobody left to be fed. Never blocks. */
void feeder_leave(struct feeder *feeder);

/* Whether it has left, or was killed; reaps it. Never blocks. */
int feeder_has_left(struct feeder *feeder);

#endif

/*
 * The shared page of one job: where its launcher tells the server how far the log has got, and the server tells
 * the launcher who waits and what is still to be read. An unnamed file in memory that can neither shrink nor
 * grow (memfd_create(2), F_SEAL_SHRINK), handed over the control channel. Both sides take what the other writes
 * for untrusted: a wrong value may mislead about this job's log, and about nothing else.
 *
 * No wake-up is lost:
 *   reader: waiting = 1, then looks at end; sleeps only if there is nothing new.
 *   writer: end = new end, then exchanges waiting for 0; if it was 1, writes to the eventfd.
 * All four are sequentially consistent: whoever comes second sees what the first has written. The same holds
 * for writer_waits and mark, with the roles turned round. docs/log-format.md has the layout.
 */
#ifndef JOB_WORKER_PAGE_H
#define JOB_WORKER_PAGE_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#define PAGE_MAGIC UINT64_C(0x02000000474f4c4a) /* "JLOG", version 2, little-endian */
#define PAGE_NO_MARK UINT64_MAX                 /* nobody needs what is oldest */

enum { PAGE_BYTES = 4096, PAGE_CAPTURING = 0, PAGE_FINISHED = 1, PAGE_GIVEN_UP = 2 };

struct page {
    uint64_t magic;

    /* Written by the launcher. */
    alignas(64) _Atomic uint64_t end;  /* offset after the last byte, lost ones included; it can be read */
    _Atomic uint64_t oldest;           /* offset of the first byte that is kept */
    _Atomic uint64_t kept;             /* bytes that can be read */
    _Atomic uint64_t lost;             /* bytes that the disk did not take */
    _Atomic uint64_t reading_since_ms; /* CLOCK_MONOTONIC; 0: not at the job's pipes now */
    _Atomic uint32_t error;            /* errno of what was lost last */
    _Atomic uint32_t state;            /* PAGE_FINISHED: there is no more; PAGE_GIVEN_UP: there may be, but nobody waits */
    _Atomic uint32_t writer_waits;     /* for mark to pass what is oldest; the server says when it has */

    /* Written by the server. */
    alignas(64) _Atomic uint32_t waiting; /* somebody wants to hear of a new end */
    _Atomic uint64_t mark;                /* every reader has passed this offset */
    _Atomic uint64_t share;               /* bytes of disk that the log may take now; 0: what its sheet says */
};

/* A fresh page in *page, and the descriptor that stands for it, close-on-exec; -1 with errno. */
int page_create(struct page **page);

#endif

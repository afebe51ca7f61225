/*
 * The log of one job: a ring of segment files of equal size in the directory "output", written by the launcher
 * alone. docs/log-format.md describes the format, which is the contract with the server's reader; this writes
 * it. What holds, whenever this process is killed:
 *   - a byte is written before the record that covers it, and what no record covers is never served;
 *   - a record is written before the end that is told in the shared page;
 *   - that a segment is overwritten is told in the page before its first byte is;
 *   - the end never goes back: what the disk did not take counts, and the header of the last segment says so.
 * Nothing is ever synchronised to the disk: fsync(2) would wait behind the job's own output at the job's own
 * I/O limit.
 *
 * One process uses a log, one call at a time.
 */
#ifndef JOB_WORKER_LOG_H
#define JOB_WORKER_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "page.h"

enum {
    LOG_VERSION = 2,
    LOG_HEADER_BYTES = 64,
    LOG_RECORD_BYTES = 16,
    LOG_SEGMENTS = 8,              /* of which the oldest makes room */
    LOG_MAX_SEGMENTS = 1024,
    LOG_MAX_SEGMENT_BYTES = 80 * 1024 * 1024,
    LOG_MIN_INDEX_BYTES = 1024,    /* of a segment; its data are four times as much */
    LOG_RECORDS_FOR_THE_END = 4,   /* of each segment, kept for what is drained when the job has ended */
    LOG_MAX_PIECES = 2,            /* of one log_append */
    LOG_TIME_RESOLUTION_USEC = 10000
};

#define LOG_MAGIC UINT64_C(0x0a0d31474f4c574a) /* "JWLOG1\r\n", little-endian */

enum log_stream { LOG_STDOUT = 1, LOG_STDERR = 2 };

/* The start of each segment file, little-endian; docs/log-format.md. */
struct log_header {
    uint64_t magic;
    uint32_t version;
    uint32_t segments;    /* segment N is in the file N % segments */
    uint64_t index_bytes; /* header and records; data begin here */
    uint64_t data_bytes;  /* that a full segment has */
    uint64_t sequence;    /* N, from 0 */
    uint64_t base;        /* offset of its first byte */
    uint64_t floor;       /* the log had got so far, kept or not */
    uint64_t reserved;
};

/* Behind the header, one a frame: bytes of one stream, from the end of the frame before. */
struct log_record {
    uint64_t end;             /* offset after its last byte; not beyond base: no record, but an older segment's */
    uint64_t time_and_stream; /* microseconds since 1970 of its first byte, shifted left by two; enum log_stream */
};

/* So many bytes of a stream; they follow those of the piece before it. */
struct log_piece {
    enum log_stream stream;
    size_t length;
};

struct log_segment {
    uint64_t base;
    uint64_t kept; /* bytes in it */
};

struct log {
    int directory;
    struct page *page;
    int block;  /* the oldest segment waits for the readers' mark */
    int ending; /* the job has: nothing waits any more, and there is room for the rest */
    uint64_t retain_bytes;
    uint64_t index_bytes;
    uint64_t data_bytes;
    uint32_t segments;
    struct log_segment *table; /* by N % segments */
    uint64_t first;            /* the oldest that is kept */
    uint64_t last;             /* the one that is written; before first: none is */
    int fd;                    /* of the last one, -1: none */
    uint32_t records;          /* in it */
    struct log_record last_record;
    int sealed; /* nothing may follow in it */
    int grown;  /* it takes more of the disk than before, or less; whoever counts that may reset it */
    uint64_t end;
    uint64_t last_usec;
};

/* What log_room says. */
enum log_room {
    LOG_HAS_ROOM,
    LOG_MUST_WAIT, /* for the readers' mark */
    LOG_LOSES      /* the disk takes nothing: whatever comes now is lost */
};

/*
 * A new log in the directory "output", which is made, of the working directory. The page is the caller's and
 * outlives it. 0 or errno.
 */
int log_open(struct log *log, uint64_t retain_bytes, int block, struct page *page);

/* How many bytes, at most, the next log_append may be given, in *bytes. May delete or recycle the oldest output. */
enum log_room log_room(struct log *log, size_t *bytes);

/*
 * Appends up to LOG_MAX_PIECES pieces, which lie one after the other in bytes and are as long in all as log_room
 * has allowed, and publishes the new end. What the disk does not take is counted as lost. usec is the time, CLOCK_REALTIME; it
 * is never taken to go back.
 */
void log_append(struct log *log, const char *bytes, const struct log_piece *pieces, size_t count, uint64_t usec);

/* Counts bytes that were taken from the job and could not be kept. */
void log_lose(struct log *log, uint64_t bytes, int error);

/* The server has changed the share: gives up what is beyond it, from the oldest on. */
void log_look(struct log *log);

/* How many bytes can be read. */
uint64_t log_kept(const struct log *log);

/* Closes the files; the page says that there will be no more. */
void log_finish(struct log *log);

#endif

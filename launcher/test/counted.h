/*
 * What `pipe-holder count` prints: numbered lines, so that the offset of a byte says what it must be.
 */
#ifndef JOB_WORKER_COUNTED_H
#define JOB_WORKER_COUNTED_H

#include "../src/page.h"
#include "log_reader.h"

enum { LINE_BYTES = 8 }; /* pipe_holder.c */

/* Whether all that is kept are the numbered lines, each at its offset. */
static int lines_are_right(const struct read_log *log)
{
    static const uint32_t tens[LINE_BYTES] = {1000000, 100000, 10000, 1000, 100, 10, 1, 0};
    const char *text = log->text;
    for (unsigned i = 0; i < log->records; i++) {
        for (uint64_t at = log->frames[i].start; at < log->frames[i].end; at++) {
            uint32_t line = (uint32_t)(at / LINE_BYTES % 10000000), ten = tens[at % LINE_BYTES];
            if (*text++ != (ten == 0 ? '\n' : (char)('0' + line / ten % 10)))
                return 0;
        }
    }
    return 1;
}

/*
 * Reads one file of a log that is being written. As docs/log-format.md has it: bytes are trusted when the oldest
 * offset, looked at after them, allows it. Whether any were; -1 if they were not what they should be.
 */
static int read_live(const struct page *page, const char *directory, unsigned file)
{
    static char index[256 * 1024], bytes[1024 * 1024];
    char path[256];
    uint64_t end = atomic_load(&page->end);
    snprintf(path, sizeof path, "%s/%04u.seg", directory, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int seen = 0;
    if (pread(fd, index, 64, 0) == 64) {
        uint64_t index_bytes = word_at(index, 16), base = word_at(index, 40), from = base;
        ssize_t n = index_bytes <= sizeof index ? pread(fd, index, (size_t)index_bytes, 0) : 0;
        for (ssize_t at = 64; at + 16 <= n && word_at(index, (size_t)at) > from && word_at(index, (size_t)at) <= end; at += 16)
            from = word_at(index, (size_t)at);
        n = from - base <= sizeof bytes ? pread(fd, bytes, (size_t)(from - base), (off_t)index_bytes) : 0;
        if (atomic_load(&page->oldest) <= base) {
            struct read_frame frame = {base, base + (uint64_t)n, 0, 1};
            struct read_log log = {.records = 1, .frames = &frame, .text = bytes};
            seen = (uint64_t)n != from - base || !lines_are_right(&log) ? -1 : n > 0;
        }
    }
    close(fd);
    return seen;
}

#endif

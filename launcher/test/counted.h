/*
 * What `pipe-holder count` prints: numbered lines, so that the offset of a byte says what it must be.
 */
#ifndef JOB_WORKER_COUNTED_H
#define JOB_WORKER_COUNTED_H

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

#endif

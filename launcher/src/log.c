#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct log_header) == LOG_HEADER_BYTES, "as docs/log-format.md says");
_Static_assert(sizeof(struct log_record) == LOG_RECORD_BYTES, "as docs/log-format.md says");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are written as they lie in memory");

/* --- files ---------------------------------------------------------------------------------- */

static void segment_name(char name[32], const struct log *log, uint64_t sequence)
{
    (void)snprintf(name, 32, "%04u.seg", (unsigned)(sequence % log->segments));
}

static struct log_segment *segment(struct log *log, uint64_t sequence)
{
    return &log->table[sequence % log->segments];
}

static int is_disk_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

/* Writes all of it, or as much as *done says and returns errno. */
static int write_at(int fd, const void *bytes, size_t length, uint64_t offset, size_t *done)
{
    *done = 0;
    while (*done < length) {
        ssize_t n = pwrite(fd, (const char *)bytes + *done, length - *done, (off_t)(offset + *done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        *done += (size_t)n;
    }
    return 0;
}

static int write_whole(int fd, const void *bytes, size_t length, uint64_t offset)
{
    size_t done = 0;
    return write_at(fd, bytes, length, offset, &done);
}

/* --- the ring ------------------------------------------------------------------------------- */

static uint64_t segment_count(const struct log *log)
{
    return log->last + 1 - log->first;
}

/* So many segments may be kept now. */
static uint64_t allowed(const struct log *log)
{
    uint64_t share = atomic_load_explicit(&log->page->share, memory_order_relaxed);
    if (share == 0 || share >= log->retain_bytes)
        return log->segments;
    uint64_t count = share / (log->index_bytes + log->data_bytes);
    return count < 1 ? 1 : count > log->segments ? log->segments : count;
}

/*
 * Takes the oldest segment out of the ring: first in the page, where a reader looks after it has read, and only
 * then may the caller touch the file.
 */
static void leave_first(struct log *log)
{
    uint64_t kept = segment(log, log->first)->kept;
    log->first++;
    uint64_t oldest = segment_count(log) > 0 ? segment(log, log->first)->base : log->end;
    atomic_store(&log->page->oldest, oldest);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_fetch_sub(&log->page->kept, kept);
}

static void delete_first(struct log *log)
{
    char name[32];
    segment_name(name, log, log->first);
    leave_first(log);
    (void)unlinkat(log->directory, name, 0); /* if it cannot be, it is written over when its turn comes */
}

static int write_header(struct log *log, int fd, uint64_t sequence)
{
    const struct log_header header = {
        .magic = LOG_MAGIC,
        .version = LOG_VERSION,
        .segments = log->segments,
        .index_bytes = log->index_bytes,
        .data_bytes = log->data_bytes,
        .sequence = sequence,
        .base = log->end,
        .floor = log->end,
    };
    return write_whole(fd, &header, sizeof header, 0);
}

/* Makes the file of the next segment, over what was in it, and goes on there. 0 or errno. */
static int open_segment(struct log *log, uint64_t sequence)
{
    char name[32];
    segment_name(name, log, sequence);
    /*
     * The last one, which has nothing in it, begins anew in a file beside it: a reader may have the old file
     * open and know its base already, and until the new one is there, the old header tells how far the log got.
     */
    int anew = log->fd >= 0 && sequence == log->last;
    const char *made = anew ? "anew" : name;
    int fd;
    do
        fd = openat(log->directory, made, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno;
    int error = write_header(log, fd, sequence);
    if (error == 0 && anew && renameat(log->directory, made, log->directory, name) != 0)
        error = errno;
    if (error != 0) {
        close(fd);
        (void)unlinkat(log->directory, made, 0); /* what it was before is out of the ring already */
        return error;
    }
    if (log->fd >= 0)
        close(log->fd);
    log->fd = fd;
    log->last = sequence;
    log->records = 0;
    log->last_record = (struct log_record){log->end, 0};
    log->sealed = 0;
    *segment(log, sequence) = (struct log_segment){log->end, 0};
    if (segment_count(log) == 1)
        atomic_store(&log->page->oldest, log->end);
    return 0;
}

/* Whether the readers' mark has yet to pass what is oldest; then the server is to say when it has. */
static int must_wait(struct log *log)
{
    const struct log_segment *oldest = segment(log, log->first);
    uint64_t end = oldest->base + oldest->kept;
    int waits = 0;
    /* A job that has ended waits for nobody, unless what is left of its output can make the last segment longer. */
    if (log->block && !(log->ending && log->sealed) && atomic_load(&log->page->mark) < end) {
        atomic_store(&log->page->writer_waits, 1);
        waits = atomic_load(&log->page->mark) < end; /* it has not passed meanwhile */
    }
    if (!waits && atomic_load_explicit(&log->page->writer_waits, memory_order_relaxed) != 0)
        atomic_store(&log->page->writer_waits, 0);
    return waits;
}

/* The last segment is full, or may not be used any more: goes on in a new one. */
static enum log_room next_segment(struct log *log)
{
    /* One that has nothing in it is used again, for an end that has moved over lost bytes. */
    uint64_t next = log->fd >= 0 && segment(log, log->last)->kept == 0 ? log->last : log->last + 1;
    uint64_t most = allowed(log);
    int recycled = 0;
    int replaced = 0;
    while (next != log->last && segment_count(log) >= most) {
        if (must_wait(log))
            return LOG_MUST_WAIT;
        /* The only one goes when the next is there, for it tells how far the log has got. */
        replaced = segment_count(log) == 1;
        if (replaced)
            break;
        recycled = segment_count(log) == most && next - log->first == log->segments;
        if (recycled)
            leave_first(log); /* its file is the next one's */
        else
            delete_first(log);
    }
    int error;
    while ((error = open_segment(log, next)) != 0) {
        if (!is_disk_full(error) || segment_count(log) <= 1) {
            atomic_store(&log->page->error, (uint32_t)error);
            return LOG_LOSES;
        }
        delete_first(log);
    }
    if (replaced)
        delete_first(log);
    log->grown |= !recycled && next != 0;
    return LOG_HAS_ROOM;
}

/* --- what others call ----------------------------------------------------------------------- */

static void choose_sizes(struct log *log, uint64_t retain_bytes)
{
    uint64_t count = retain_bytes / LOG_MAX_SEGMENT_BYTES;
    count = count < LOG_SEGMENTS ? LOG_SEGMENTS : count > LOG_MAX_SEGMENTS ? LOG_MAX_SEGMENTS : count;
    uint64_t index = retain_bytes / count / 5;
    index -= index % (index >= 4096 ? 4096 : LOG_RECORD_BYTES);
    log->segments = (uint32_t)count;
    log->index_bytes = index < LOG_MIN_INDEX_BYTES ? LOG_MIN_INDEX_BYTES : index;
    log->data_bytes = 4 * log->index_bytes;
    log->retain_bytes = count * 5 * log->index_bytes;
}

int log_open(struct log *log, uint64_t retain_bytes, int block, struct page *page)
{
    memset(log, 0, sizeof *log);
    log->fd = -1;
    log->block = block;
    log->page = page;
    log->last = UINT64_MAX; /* before the first, 0 */
    choose_sizes(log, retain_bytes);
    if (mkdir("output", 0700) != 0)
        return errno;
    log->directory = open("output", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (log->directory < 0)
        return errno;
    log->table = calloc(log->segments, sizeof *log->table);
    int error = log->table == NULL ? ENOMEM : open_segment(log, 0);
    if (error != 0)
        close(log->directory);
    return error;
}

static int has_room(const struct log *log, uint64_t used)
{
    uint32_t most = (uint32_t)((log->index_bytes - LOG_HEADER_BYTES) / LOG_RECORD_BYTES) - LOG_RECORDS_FOR_THE_END;
    return log->fd >= 0 && !log->sealed && used < log->data_bytes && log->records + 2 <= most;
}

enum log_room log_room(struct log *log, size_t *bytes)
{
    *bytes = SIZE_MAX;
    if (!has_room(log, log->fd < 0 ? 0 : segment(log, log->last)->kept)) {
        enum log_room answer = next_segment(log);
        if (answer == LOG_MUST_WAIT && log->ending)
            return LOG_HAS_ROOM; /* what is left makes the last segment longer */
        if (answer != LOG_HAS_ROOM)
            return answer;
    }
    *bytes = (size_t)(log->data_bytes - segment(log, log->last)->kept);
    return LOG_HAS_ROOM;
}

void log_lose(struct log *log, uint64_t bytes, int error)
{
    log->end += bytes;
    log->sealed = 1; /* the next byte kept has an offset that does not follow this segment's last */
    /* Into a block that the file has already; a disk that is full takes it. */
    if (log->fd >= 0)
        (void)write_whole(log->fd, &log->end, sizeof log->end, offsetof(struct log_header, floor));
    atomic_store(&log->page->error, (uint32_t)error);
    atomic_fetch_add(&log->page->lost, bytes);
    if (atomic_load_explicit(&log->page->kept, memory_order_relaxed) == 0)
        atomic_store(&log->page->oldest, log->end);
    atomic_store(&log->page->end, log->end);
}

/* Writes what fits on the disk, at the price of what is oldest. Returns how much; *error says why not more. */
static size_t write_data(struct log *log, const char *bytes, size_t length, int *error)
{
    size_t done = 0;
    for (;;) {
        size_t now = 0;
        uint64_t at = log->index_bytes + segment(log, log->last)->kept + done;
        *error = write_at(log->fd, bytes + done, length - done, at, &now);
        done += now;
        if (*error == 0 || !is_disk_full(*error) || segment_count(log) <= 1)
            return done;
        delete_first(log);
    }
}

/*
 * Describes *length of the bytes by records, at most one a piece and the last one, made longer: in one write,
 * so that however small the pieces are, a turn costs one. 0 or errno, and then so many are described as *length says.
 */
static int write_records(struct log *log, const struct log_piece *pieces, size_t count, size_t *length, uint64_t usec)
{
    struct log_record records[1 + LOG_MAX_PIECES] = {log->last_record};
    size_t left = *length;
    size_t used = log->records > 0 ? 1 : 0; /* of these; the first is on the disk already */
    uint64_t end = log->end;
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t now = pieces[i].length < left ? pieces[i].length : left;
        left -= now;
        end += now;
        struct log_record *before = used > 0 ? &records[used - 1] : NULL;
        int joins = before != NULL && (before->time_and_stream & 3) == (uint64_t)pieces[i].stream &&
                    (log->ending || usec - (before->time_and_stream >> 2) < LOG_TIME_RESOLUTION_USEC);
        if (joins)
            before->end = end;
        else if (now > 0)
            records[used++] = (struct log_record){end, usec << 2 | (uint64_t)pieces[i].stream};
    }
    size_t from = log->records > 0 && records[0].end == log->last_record.end ? 1 : 0; /* the old one as it was */
    uint32_t position = log->records > 0 ? log->records - 1 : 0;
    uint64_t at = LOG_HEADER_BYTES + (uint64_t)(position + from) * LOG_RECORD_BYTES;
    size_t most = 0; /* of the bytes of records; what was written once stays */
    size_t now = 0;
    int error;
    while ((error = write_at(log->fd, records + from, (used - from) * LOG_RECORD_BYTES, at, &now)) != 0) {
        most = now > most ? now : most;
        if (!is_disk_full(error) || segment_count(log) <= 1) {
            size_t whole = from + most / LOG_RECORD_BYTES;
            *length = whole > from ? (size_t)(records[whole - 1].end - log->end) : 0;
            return error;
        }
        delete_first(log);
    }
    log->records = position + (uint32_t)used;
    log->last_record = records[used - 1];
    return 0;
}

void log_append(struct log *log, const char *bytes, const struct log_piece *pieces, size_t count, uint64_t usec)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += pieces[i].length;
    if (length == 0)
        return;
    if (usec < log->last_usec)
        usec = log->last_usec; /* readers search the times */
    log->last_usec = usec;
    int error = 0;
    size_t done = write_data(log, bytes, length, &error);
    int unrecorded = done > 0 ? write_records(log, pieces, count, &done, usec) : 0;
    if (unrecorded != 0)
        error = unrecorded;
    if (done > 0) {
        segment(log, log->last)->kept += done;
        log->end += done;
        atomic_fetch_add(&log->page->kept, done);
        atomic_store(&log->page->end, log->end);
    }
    if (done < length)
        log_lose(log, length - done, error);
}

void log_look(struct log *log)
{
    while (segment_count(log) > 1 && segment_count(log) > allowed(log)) {
        delete_first(log);
        log->grown = 1;
    }
}

uint64_t log_kept(const struct log *log)
{
    return atomic_load_explicit(&log->page->kept, memory_order_relaxed);
}

void log_finish(struct log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    close(log->directory);
    free(log->table);
    log->table = NULL;
    uint32_t state = PAGE_CAPTURING;
    (void)atomic_compare_exchange_strong(&log->page->state, &state, PAGE_FINISHED); /* unless it was given up */
}

/*
 * The log writer by itself: against a model, against a disk that takes nothing, and killed at every one of its
 * system calls. Prints "N passed, N failed" and exits 0 only if nothing failed. Linked with ld(1), --wrap.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/log.h"
#include "log_reader.h"

#ifdef __SANITIZE_ADDRESS__
enum { KILL_STEP = 31, FAULT_STEP = 3 }; /* fork(2) copies the sanitizer's tables each time */
#else
enum { KILL_STEP = 1, FAULT_STEP = 1 };
#endif
enum { MOST_BYTES = 16 * 1024 * 1024, MOST_AT_ONCE = 256 * 1024, SMALLEST_RING = 40 * 1024 };

static int passed;
static int failed;
static const char *current;
static int current_failed;

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition) && !current_failed) { /* the first says enough */                   \
            printf("FAILED %s\n    line %d: %s%s\n", current, __LINE__, #condition, where); \
            current_failed = 1;                                                              \
        }                                                                                    \
    } while (0)

static char where[160]; /* in which of the many rounds */

/* --- calls that fail, at the n-th ------------------------------------------------------------------ */

enum fault {
    FAULT_NONE,
    FAULT_ERROR,        /* fault_errno, from the n-th call on for fault_length calls */
    FAULT_PARTIAL,      /* a part is written, and the next call fails */
    FAULT_SHORT,        /* a part is written, and the next call goes on */
    FAULT_DISK_FULL,    /* whatever makes a file longer fails, for fault_length calls */
    FAULT_KILL_BEFORE,
    FAULT_KILL_AFTER,
    FAULT_KILL_HALF_WAY
};

static long calls;
static long pwrites;
static enum fault fault;
static int fault_errno;
static long fault_at;
static long fault_length;
static long full_at; /* a full disk beside the fault; 0: none */
static long full_length;
static int floor_failed; /* the header of a log that lost could not say so */
static int unlink_failed; /* so that the files may hold more than the page says, until they are written over */

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset);
int __real_openat(int directory, const char *name, int flags, ...);
int __wrap_openat(int directory, const char *name, int flags, ...);
int __real_unlinkat(int directory, const char *name, int flags);
int __wrap_unlinkat(int directory, const char *name, int flags);
int __real_renameat(int from_directory, const char *from, int to_directory, const char *to);
int __wrap_renameat(int from_directory, const char *from, int to_directory, const char *to);

static void die(void)
{
    _exit(9);
}

static int is_in(long start, long length)
{
    return start > 0 && calls >= start && calls < start + length;
}

static int fails(enum fault kind)
{
    return fault == kind && is_in(fault_at, fault_length);
}

/* Only whole sectors, and so whole records, are ever written in part. */
static size_t part_of(size_t length)
{
    return length >= 1024 ? length / 2 / 512 * 512 : length <= 3 * LOG_RECORD_BYTES ? length / 2 / 16 * 16 : 0;
}

static int is_full(int fd, size_t length, off_t offset)
{
    struct stat st;
    return (fails(FAULT_DISK_FULL) || is_in(full_at, full_length)) && fstat(fd, &st) == 0 &&
           offset + (off_t)length > st.st_size;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    calls++;
    pwrites++;
    int is_floor = length == 8;
    if (fault == FAULT_KILL_BEFORE && calls == fault_at)
        die();
    if (fault == FAULT_KILL_HALF_WAY && calls == fault_at) {
        (void)__real_pwrite(fd, bytes, part_of(length), offset);
        die();
    }
    if (fails(FAULT_ERROR) || is_full(fd, length, offset) || (fault == FAULT_PARTIAL && calls == fault_at + 1)) {
        floor_failed |= is_floor && fault_errno != EINTR;
        errno = is_full(fd, length, offset) ? ENOSPC : fault_errno;
        return -1;
    }
    size_t now = length;
    if ((fault == FAULT_PARTIAL || fault == FAULT_SHORT) && calls == fault_at && part_of(length) > 0)
        now = part_of(length);
    ssize_t n = __real_pwrite(fd, bytes, now, offset);
    if (fault == FAULT_KILL_AFTER && calls == fault_at)
        die();
    return n;
}

static int happens(void)
{
    calls++;
    if (fault >= FAULT_KILL_BEFORE && calls == fault_at)
        die();
    if (fails(FAULT_ERROR) && fault_errno != EINTR) {
        errno = fault_errno;
        return 0;
    }
    return 1;
}

int __wrap_openat(int directory, const char *name, int flags, ...)
{
    if (!happens())
        return -1;
    if ((fails(FAULT_DISK_FULL) || is_in(full_at, full_length)) && faccessat(directory, name, F_OK, 0) != 0) {
        errno = ENOSPC;
        return -1;
    }
    return __real_openat(directory, name, flags, 0600);
}

int __wrap_unlinkat(int directory, const char *name, int flags)
{
    if (happens())
        return __real_unlinkat(directory, name, flags);
    unlink_failed = 1;
    return -1;
}

int __wrap_renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return happens() ? __real_renameat(from_directory, from, to_directory, to) : -1;
}

static void no_faults(void)
{
    fault = FAULT_NONE;
    calls = pwrites = fault_at = full_at = 0;
    fault_length = full_length = 1;
    floor_failed = unlink_failed = 0;
}

/* --- a log and what it should hold ------------------------------------------------------------------ */

static uint64_t random_state;

static uint64_t random_below(uint64_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 33) % bound;
}

/* The byte that the job writes at this offset: no two laps of a ring look alike. */
static char byte_at(uint64_t offset)
{
    return (char)((offset * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
}

struct rig {
    struct log log;
    struct page *page;
    uint64_t written;
    uint64_t usec;
};

static unsigned char *model; /* by offset: the stream, or 0 where the byte was lost; shared with children */

static void remove_output(void)
{
    DIR *files = opendir("output");
    if (files == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(files)) != NULL;)
        (void)__real_unlinkat(dirfd(files), entry->d_name, 0);
    closedir(files);
    rmdir("output");
}

static void begin(struct rig *rig, uint64_t retain, int block)
{
    remove_output();
    memset(rig, 0, sizeof *rig);
    close(page_create(&rig->page));
    rig->usec = UINT64_C(1700000000000000);
    int error = log_open(&rig->log, retain, block, rig->page);
    if (error != 0) {
        printf("cannot open a log: %s\n", strerror(error));
        exit(2);
    }
    no_faults();
}

static void finish(struct rig *rig)
{
    no_faults();
    if (rig->log.table != NULL)
        log_finish(&rig->log);
    munmap(rig->page, PAGE_BYTES);
}

/* What capture does with so many bytes of each stream, in that order. Returns 0 if the log must wait. */
static int turn(struct rig *rig, size_t out, size_t err)
{
    static char bytes[MOST_AT_ONCE];
    size_t room = 0;
    enum log_room answer = log_room(&rig->log, &room);
    if (answer == LOG_MUST_WAIT)
        return 0;
    out = out < room ? out : room;
    err = err < room - out ? err : room - out;
    uint64_t start = rig->written, lost = atomic_load(&rig->page->lost);
    for (size_t i = 0; i < out + err; i++) {
        bytes[i] = byte_at(start + i);
        model[start + i] = i < out ? LOG_STDOUT : LOG_STDERR;
    }
    const struct log_piece pieces[] = {{LOG_STDOUT, out}, {LOG_STDERR, err}};
    if (answer == LOG_LOSES)
        log_lose(&rig->log, out + err, (int)atomic_load(&rig->page->error));
    else
        log_append(&rig->log, bytes, pieces, 2, rig->usec);
    rig->written += out + err;
    lost = atomic_load(&rig->page->lost) - lost;
    CHECK(lost <= out + err);
    CHECK(atomic_load(&rig->page->end) == rig->written);
    memset(model + rig->written - lost, 0, lost);
    return 1;
}

static int frames_are_right(const struct read_log *files)
{
    const char *text = files->text;
    uint64_t before = 0;
    for (unsigned i = 0; i < files->records; i++) {
        const struct read_frame *frame = &files->frames[i];
        if (frame->start < before || frame->end > MOST_BYTES)
            return 0;
        for (uint64_t at = frame->start; at < frame->end; at++) {
            if (*text++ != byte_at(at) || model[at] != frame->stream)
                return 0;
        }
        before = frame->end;
    }
    return 1;
}

/* The files hold what the page says, which is the newest that was not lost, and nothing else. */
static void check_files(const struct rig *rig)
{
    struct read_log files;
    uint64_t end = atomic_load(&rig->page->end), oldest = atomic_load(&rig->page->oldest);
    uint64_t kept = atomic_load(&rig->page->kept), not_lost = 0, lost = 0;
    int is_sound = read_log(&files, "output", 3);
    CHECK(is_sound);
    if (!is_sound)
        return;
    for (uint64_t at = 0; at < end; at++) {
        not_lost += at >= oldest && model[at] != 0;
        lost += model[at] == 0;
    }
    CHECK(frames_are_right(&files));
    CHECK(end == rig->written);
    CHECK(files.end == end || (floor_failed && files.end < end));
    CHECK(files.kept == kept || (unlink_failed && files.kept > kept));
    CHECK(kept == not_lost);
    CHECK(lost == atomic_load(&rig->page->lost));
    CHECK(files.records == 0 || unlink_failed || files.frames[0].start == oldest);
    CHECK(files.files <= 1 || unlink_failed || files.disk_bytes <= rig->log.retain_bytes);
    free_log(&files);
}

/* --- the tests -------------------------------------------------------------------------------------- */

static void what_is_kept_is_what_a_model_keeps(void)
{
    for (unsigned round = 0; round < 60; round++) {
        struct rig rig;
        random_state = round;
        uint64_t retain = SMALLEST_RING + random_below(random_below(4) != 0 ? 200 * 1024 : 2 * 1024 * 1024 - SMALLEST_RING);
        uint64_t most = 1 + random_below(round % 3 == 0 ? 200 : 64 * 1024);
        begin(&rig, retain, 0);
        CHECK(rig.log.retain_bytes <= retain);
        uint64_t turns = 0;
        while (rig.written < 3 * retain && turns++ < 30000) {
            uint64_t kind = random_below(4);
            turn(&rig, kind == 1 ? 0 : 1 + random_below(most), kind == 0 ? 0 : 1 + random_below(most));
            rig.usec += random_below(2) * random_below(25000);
            snprintf(where, sizeof where, " (round %u, turn %lu)", round, (unsigned long)turns);
            if (turns % 4000 == 0)
                check_files(&rig);
        }
        check_files(&rig);
        CHECK(atomic_load(&rig.page->lost) == 0);
        CHECK(atomic_load(&rig.page->oldest) + atomic_load(&rig.page->kept) == rig.written);
        if (most > 1024) /* then records are no matter, and all but one segment is full of bytes */
            CHECK(log_kept(&rig.log) + rig.log.data_bytes >= LOG_SEGMENTS * rig.log.data_bytes);
        finish(&rig);
    }
}

static void tiny_alternating_pieces_cost_two_writes_a_turn_and_stay_in_their_index(void)
{
    struct rig rig;
    begin(&rig, 1024 * 1024, 0);
    char two[2];
    const struct log_piece pieces[] = {{LOG_STDOUT, 1}, {LOG_STDERR, 1}};
    for (int i = 0; i < 10000; i++) {
        size_t room = 0;
        CHECK(log_room(&rig.log, &room) == LOG_HAS_ROOM && room >= 1);
        for (int k = 0; k < 2; k++) {
            two[k] = byte_at(rig.written + (uint64_t)k);
            model[rig.written + (uint64_t)k] = (unsigned char)pieces[k].stream;
        }
        pwrites = 0;
        log_append(&rig.log, two, pieces, room >= 2 ? 2 : 1, rig.usec);
        CHECK(pwrites <= 2);
        rig.written += room >= 2 ? 2 : 1;
        CHECK(LOG_HEADER_BYTES + rig.log.records * LOG_RECORD_BYTES <= rig.log.data_bytes / 4);
    }
    check_files(&rig);
    finish(&rig);
}

static void a_time_that_jumps_back_is_not_written(void)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 0);
    uint64_t start = rig.usec;
    turn(&rig, 10, 0);
    rig.usec = start - 3600 * UINT64_C(1000000);
    turn(&rig, 0, 10);
    rig.usec = 1;
    turn(&rig, 10, 0);
    struct read_log files;
    CHECK(read_log(&files, "output", 3) && files.records == 3); /* which checks the order of times */
    CHECK(files.frames[2].usec == start);
    free_log(&files);
    finish(&rig);
}

static void bytes_of_one_stream_share_a_record_for_ten_milliseconds(void)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 0);
    uint64_t start = rig.usec;
    turn(&rig, 10, 0);
    rig.usec = start + 9999;
    turn(&rig, 10, 0);
    rig.usec = start + 10000;
    turn(&rig, 10, 0);
    turn(&rig, 10, 10);
    turn(&rig, 0, 10);
    struct read_log files;
    CHECK(read_log(&files, "output", 3) && files.records == 3);
    CHECK(files.frames[0].end == 20 && files.frames[0].usec == start);
    CHECK(files.frames[1].end == 40 && files.frames[1].usec == start + 10000);
    CHECK(files.frames[2].end == 60 && files.frames[2].stream == LOG_STDERR);
    free_log(&files);
    check_files(&rig);
    finish(&rig);
}

/* Three laps of the smallest ring, in turns of other sizes in each: the stale records lie where new ones end. */
static void three_laps(struct rig *rig)
{
    random_state = 7;
    for (int i = 0; i < 130; i++) {
        uint64_t most = i < 40 ? 60 : i < 75 ? 1600 : 900;
        uint64_t kind = random_below(3);
        turn(rig, kind == 1 ? 0 : 1 + random_below(most), kind == 0 ? 0 : 1 + random_below(most));
        rig->usec += 7000;
        if (i == 90)
            atomic_store(&rig->page->share, 1);
        if (i == 90 || i == 105)
            log_look(&rig->log);
        if (i == 105)
            atomic_store(&rig->page->share, 0);
    }
}

static void whatever_call_fails_each_byte_is_kept_or_counted_as_lost(void)
{
    static const struct {
        enum fault kind;
        int error;
        long length;
    } kinds[] = {
        {FAULT_ERROR, ENOSPC, 1},   {FAULT_ERROR, ENOSPC, 12},  {FAULT_ERROR, ENOSPC, 1000},
        {FAULT_ERROR, EDQUOT, 1},   {FAULT_ERROR, EIO, 1},      {FAULT_ERROR, EIO, 12},
        {FAULT_ERROR, EINTR, 1},    {FAULT_PARTIAL, ENOSPC, 1}, {FAULT_PARTIAL, EIO, 1},
        {FAULT_SHORT, 0, 1},        {FAULT_DISK_FULL, 0, 12},   {FAULT_DISK_FULL, 0, 100},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (long n = 1, met = 1; met; n += FAULT_STEP) {
            struct rig rig;
            begin(&rig, SMALLEST_RING, 0);
            fault = kinds[i].kind;
            fault_errno = kinds[i].error;
            fault_length = kinds[i].length;
            fault_at = n;
            snprintf(where, sizeof where, " (kind %zu, call %ld)", i, n);
            three_laps(&rig);
            met = calls >= n;
            check_files(&rig);
            if (kinds[i].error == EINTR || kinds[i].kind == FAULT_SHORT)
                CHECK(atomic_load(&rig.page->lost) == 0);
            finish(&rig);
        }
    }
}

/* A child writes and dies at one call; what it has left is read. Returns 0 when it came to its end instead. */
static int killed_at(enum fault kind, long n, long full_from)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 0);
    fault = kind;
    fault_at = n;
    full_at = full_from;
    full_length = 60;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        three_laps(&rig);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    uint64_t end = atomic_load(&rig.page->end), oldest = atomic_load(&rig.page->oldest);
    struct read_log files;
    int is_sound = read_log(&files, "output", 3);
    CHECK(is_sound);
    if (is_sound) {
        CHECK(frames_are_right(&files));
        CHECK(files.end >= end && files.end <= end + 2 * 1600); /* what was told is there, and a turn at most beyond it */
        CHECK(oldest <= end);
        uint64_t at = files.records > 0 ? files.frames[0].start : files.end;
        CHECK(at <= oldest || atomic_load(&rig.page->lost) > 0);
        for (unsigned i = 0; full_from == 0 && i < files.records; i++) {
            CHECK(files.frames[i].start == at); /* without a gap */
            at = files.frames[i].end;
        }
        CHECK(full_from != 0 || at == files.end);
        free_log(&files);
    }
    finish(&rig);
    return WIFEXITED(status) && WEXITSTATUS(status) == 9;
}

static void wherever_the_writer_is_killed_its_files_hold_right_bytes_in_order(void)
{
    static const long full_from[] = {0, 100, 150, 260};
    for (size_t i = 0; i < sizeof full_from / sizeof full_from[0]; i++) {
        for (enum fault kind = FAULT_KILL_BEFORE; kind <= FAULT_KILL_HALF_WAY; kind++) {
            for (long n = 1;; n += full_from[i] == 0 ? KILL_STEP : 2 * KILL_STEP) {
                snprintf(where, sizeof where, " (kind %d, full from %ld, call %ld)", kind, full_from[i], n);
                if (!killed_at(kind, n, full_from[i]))
                    break;
            }
        }
    }
}

static void a_blocking_log_waits_for_the_mark_and_says_so(void)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 1);
    atomic_store(&rig.page->mark, 0);
    while (turn(&rig, 1000, 0))
        rig.usec += 20000;
    CHECK(rig.written == LOG_SEGMENTS * rig.log.data_bytes);
    CHECK(atomic_load(&rig.page->oldest) == 0);
    CHECK(atomic_load(&rig.page->writer_waits) == 1);
    atomic_store(&rig.page->mark, rig.log.data_bytes - 1);
    CHECK(!turn(&rig, 1000, 0));
    atomic_store(&rig.page->mark, rig.log.data_bytes);
    CHECK(turn(&rig, 1000, 0));
    CHECK(atomic_load(&rig.page->writer_waits) == 0);
    CHECK(atomic_load(&rig.page->oldest) == rig.log.data_bytes);
    check_files(&rig);
    atomic_store(&rig.page->mark, PAGE_NO_MARK);
    for (int i = 0; i < 100; i++)
        CHECK(turn(&rig, 1000, 0));
    check_files(&rig);
    finish(&rig);
}

static void a_blocking_log_whose_job_has_ended_keeps_all_that_is_left(void)
{
    for (unsigned first = 0; first < 1200; first += 100) { /* where the last segment stands when the job ends */
        struct rig rig;
        begin(&rig, SMALLEST_RING, 1);
        atomic_store(&rig.page->mark, 0);
        turn(&rig, first, 0);
        while (turn(&rig, first % 500 == 0 ? 40 : 900, 30)) /* by index, or by bytes */
            rig.usec += 20000;
        rig.log.ending = 1;
        for (int i = 0; i < 4; i++)
            CHECK(turn(&rig, MOST_AT_ONCE, 0));
        for (int i = 0; i < 4; i++)
            CHECK(turn(&rig, 0, MOST_AT_ONCE));
        CHECK(log_kept(&rig.log) == rig.written);
        struct read_log files;
        CHECK(read_log(&files, "output", 3) && frames_are_right(&files) && files.kept == rig.written);
        free_log(&files);
        finish(&rig);
    }
}

static void a_job_that_has_ended_waits_for_nobody_even_if_its_last_segment_is_sealed(void)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 1);
    atomic_store(&rig.page->mark, 0);
    while (turn(&rig, 1000, 0))
        rig.usec += 20000;
    log_lose(&rig.log, 5, EIO);
    memset(model + rig.written, 0, 5);
    rig.written += 5;
    atomic_store(&rig.page->share, 3 * 5 * rig.log.index_bytes);
    rig.log.ending = 1;
    for (int i = 0; i < 3; i++)
        CHECK(turn(&rig, 1000, 1000));
    check_files(&rig);
    finish(&rig);
}

static void a_smaller_share_gives_up_the_oldest_and_a_larger_one_is_used_again(void)
{
    struct rig rig;
    begin(&rig, 400 * 1024, 0);
    uint64_t whole = 5 * rig.log.index_bytes;
    for (int i = 0; i < 600; i++)
        turn(&rig, 1024, 0);
    static const unsigned shares[] = {8, 5, 3, 1, 0, 3, 8};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        struct read_log files;
        unsigned most = shares[i] == 0 ? 1 : shares[i];
        atomic_store(&rig.page->share, shares[i] * whole + 1); /* never 0, which is no share at all */
        log_look(&rig.log);
        for (int more = 0; more < 2; more++) {
            check_files(&rig);
            CHECK(read_log(&files, "output", 3) && files.files <= most && files.disk_bytes <= most * whole);
            CHECK(!more || files.files == most);
            free_log(&files);
            for (int k = 0; k < 600; k++)
                turn(&rig, 1024, 0);
        }
    }
    finish(&rig);
}

static void a_segment_that_begins_anew_does_so_in_another_file(void)
{
    struct rig rig;
    begin(&rig, SMALLEST_RING, 0);
    int old = open("output/0000.seg", O_RDONLY | O_CLOEXEC);
    struct log_header before, after;
    CHECK(read(old, &before, sizeof before) == (ssize_t)sizeof before);
    log_lose(&rig.log, 100, EIO);
    memset(model, 0, 100);
    rig.written = 100;
    turn(&rig, 10, 0);
    CHECK(pread(old, &after, sizeof after, 0) == (ssize_t)sizeof after);
    CHECK(after.base == 0 && after.sequence == before.sequence); /* whoever had it open is not misled */
    check_files(&rig);
    close(old);
    finish(&rig);
}

static void run(const char *name, void (*test)(void))
{
    current = name;
    current_failed = 0;
    where[0] = '\0';
    test();
    current_failed ? failed++ : passed++;
}

#define RUN(test) run(#test, test)

int main(void)
{
    char root[64] = "/tmp/log-test.XXXXXX";
    if (access("/dev/shm", W_OK) == 0)
        strcpy(root, "/dev/shm/log-test.XXXXXX");
    setvbuf(stdout, NULL, _IOLBF, 0);
    model = mmap(NULL, MOST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (model == MAP_FAILED || mkdtemp(root) == NULL || chdir(root) != 0)
        return 2;
    RUN(what_is_kept_is_what_a_model_keeps);
    RUN(tiny_alternating_pieces_cost_two_writes_a_turn_and_stay_in_their_index);
    RUN(a_time_that_jumps_back_is_not_written);
    RUN(bytes_of_one_stream_share_a_record_for_ten_milliseconds);
    RUN(whatever_call_fails_each_byte_is_kept_or_counted_as_lost);
    RUN(wherever_the_writer_is_killed_its_files_hold_right_bytes_in_order);
    RUN(a_blocking_log_waits_for_the_mark_and_says_so);
    RUN(a_blocking_log_whose_job_has_ended_keeps_all_that_is_left);
    RUN(a_job_that_has_ended_waits_for_nobody_even_if_its_last_segment_is_sealed);
    RUN(a_smaller_share_gives_up_the_oldest_and_a_larger_one_is_used_again);
    RUN(a_segment_that_begins_anew_does_so_in_another_file);
    remove_output();
    if (chdir("/") != 0 || rmdir(root) != 0)
        printf("could not remove %s\n", root);
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

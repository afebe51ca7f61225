#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BYTES 2048

#define EVERY_CGROUPS "cpu.stat" /* without a controller, too (cgroups(7)) */

static const char *const CAUSES[] = {[CAUSE_NONE] = "none", [CAUSE_STOP] = "stop", [CAUSE_TIMEOUT] = "timeout"};

static long long micros(struct timeval time)
{
    return (long long)time.tv_sec * 1000000 + time.tv_usec;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

/* The text of a file, which must have room for a byte more. Returns 0 or errno. */
static int read_all(int fd, char *text, size_t size)
{
    size_t length = 0;
    for (;;) {
        ssize_t n = read(fd, text + length, size - length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        length += (size_t)n;
        if (length == size)
            return EFBIG; /* half of it would be too small a figure */
        text[length] = '\0';
        if (n == 0)
            return 0;
    }
}

/* A small file of the kernel's, as text. Returns 0 or errno. */
static int read_file(int cgroup, const char *name, char *text, size_t size)
{
    int fd = openat(cgroup, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = read_all(fd, text, size);
    close(fd);
    return error;
}

/* The number after "key " at the start of a line (cgroups(7), flat keyed files). */
static int64_t keyed(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoll(line + length + 1, NULL, 10);
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return NOT_COUNTED;
}

/* The sum of "key=NUMBER" over all devices (nested keyed files). */
static int64_t nested(const char *text, const char *key)
{
    int64_t sum = 0;
    for (const char *at = text; (at = strstr(at, key)) != NULL;) {
        at += strlen(key);
        sum += strtoll(at, NULL, 10);
    }
    return sum;
}

static int64_t whole(const char *text, const char *key)
{
    (void)key;
    return strtoll(text, NULL, 10);
}

/* Where a figure stands. */
struct source {
    size_t figure;
    const char *file;
    int64_t (*find)(const char *text, const char *key);
    const char *key;
};

/* io.stat is that of the slot, whose limits are for both of its leaves. */
static const struct source SOURCES[] = {
    {offsetof(struct cgroup_usage, cpu_usec), EVERY_CGROUPS, keyed, "usage_usec"},
    {offsetof(struct cgroup_usage, throttled_usec), EVERY_CGROUPS, keyed, "throttled_usec"},
    {offsetof(struct cgroup_usage, memory_peak_bytes), "memory.peak", whole, NULL},
    {offsetof(struct cgroup_usage, oom_kills), "memory.events", keyed, "oom_kill"},
    {offsetof(struct cgroup_usage, read_bytes), "../io.stat", nested, "rbytes="},
    {offsetof(struct cgroup_usage, written_bytes), "../io.stat", nested, "wbytes="},
};

static int64_t *figure(struct cgroup_usage *usage, const struct source *source)
{
    return (int64_t *)((char *)usage + source->figure);
}

int record_cgroup(struct cgroup_usage *usage, int cgroup)
{
    char text[16384];
    const char *file = NULL; /* whose text that is, or would be but for the error */
    int error = 0;
    int failed = 0;
    for (const struct source *source = SOURCES; source < SOURCES + sizeof SOURCES / sizeof SOURCES[0]; source++) {
        if (cgroup < 0)
            *figure(usage, source) = NOT_COUNTED;
        if (*figure(usage, source) != NOT_TOLD)
            continue;
        if (file == NULL || strcmp(file, source->file) != 0) {
            file = source->file;
            error = read_file(cgroup, file, text, sizeof text);
            if (error == ENODEV || (error == ENOENT && faccessat(cgroup, EVERY_CGROUPS, F_OK, 0) != 0))
                return 0; /* the cgroup was removed, and tells nothing more */
        }
        if (error == 0)
            *figure(usage, source) = source->find(text, source->key);
        else if (error == ENOENT)
            *figure(usage, source) = NOT_COUNTED; /* there is no such controller here */
        else if (error != EFBIG)
            failed = error;
    }
    return failed;
}

void record_reserve(void)
{
    int fd = open("exit.tmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)fallocate(fd, 0, 0, MAX_BYTES); /* where that cannot be done, there may be room at the end, too */
    close(fd);
}

int record_write(const struct exit_record *record)
{
    char text[MAX_BYTES];
    int length = snprintf(
        text, sizeof text,
        "version 2\n"
        "main_pid %ld\n"
        "exit_code %d\n"
        "signal %d\n"
        "core_dumped %d\n"
        "cause %s\n"
        "started_at_ns %lld\n"
        "ended_at_ns %lld\n"
        "user_usec %lld\n"
        "system_usec %lld\n"
        "max_rss_bytes %lld\n"
        "read_bytes %lld\n"
        "write_bytes %lld\n"
        "refused_call %s\n"
        "cgroup_cpu_usec %lld\n"
        "cgroup_throttled_usec %lld\n"
        "cgroup_memory_peak_bytes %lld\n"
        "cgroup_oom_kills %lld\n"
        "cgroup_read_bytes %lld\n"
        "cgroup_write_bytes %lld\n"
        "log_end %llu\n"
        "log_kept %llu\n"
        "log_complete %d\n"
        "end\n",
        (long)record->main_pid, WIFEXITED(record->wait_status) ? WEXITSTATUS(record->wait_status) : -1,
        WIFSIGNALED(record->wait_status) ? WTERMSIG(record->wait_status) : 0,
        WIFSIGNALED(record->wait_status) && WCOREDUMP(record->wait_status) ? 1 : 0, CAUSES[record->cause],
        (long long)record->started_at.tv_sec * 1000000000 + record->started_at.tv_nsec,
        (long long)record->ended_at.tv_sec * 1000000000 + record->ended_at.tv_nsec, micros(record->usage.ru_utime),
        micros(record->usage.ru_stime), (long long)record->usage.ru_maxrss * 1024,
        (long long)record->usage.ru_inblock * 512, (long long)record->usage.ru_oublock * 512, /* getrusage(2) */
        record->refused_call != NULL ? record->refused_call : "none", (long long)record->cgroup.cpu_usec,
        (long long)record->cgroup.throttled_usec, (long long)record->cgroup.memory_peak_bytes,
        (long long)record->cgroup.oom_kills, (long long)record->cgroup.read_bytes,
        (long long)record->cgroup.written_bytes, (unsigned long long)record->log_end,
        (unsigned long long)record->log_kept, record->log_complete);
    if (length < 0 || (size_t)length >= sizeof text)
        return EOVERFLOW;

    /* Not truncated before it is written: it has its room already, and the disk may be full. */
    int fd = open("exit.tmp", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int error = write_all(fd, text, (size_t)length);
    if (error == 0 && ftruncate(fd, length) != 0)
        error = errno;
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename("exit.tmp", "exit") != 0)
        error = errno;
    return error;
}

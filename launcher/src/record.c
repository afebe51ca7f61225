#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BYTES 2048

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

/* A small file of the kernel's, as text. Returns 0 or errno; then the text is "". */
static int read_file(int cgroup, const char *name, char *text, size_t size)
{
    text[0] = '\0';
    int fd = openat(cgroup, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t n = read(fd, text, size - 1);
    int error = n < 0 ? errno : 0;
    text[n > 0 ? n : 0] = '\0';
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

static int is_missing(int error)
{
    return error == ENOENT || error == ENODEV; /* there is no such controller here, or it has been taken away */
}

/* What there is instead of a figure whose file could not be read. */
static int64_t instead(int error)
{
    return is_missing(error) ? NOT_COUNTED : NOT_TOLD;
}

int record_cgroup(struct cgroup_usage *usage, int cgroup)
{
    char text[4096];
    *usage = (struct cgroup_usage){NOT_COUNTED, NOT_COUNTED, NOT_COUNTED, NOT_COUNTED, NOT_COUNTED, NOT_COUNTED};
    if (cgroup < 0)
        return 0;
    int cpu = read_file(cgroup, "cpu.stat", text, sizeof text);
    usage->cpu_usec = cpu == 0 ? keyed(text, "usage_usec") : instead(cpu);
    usage->throttled_usec = cpu == 0 ? keyed(text, "throttled_usec") : instead(cpu);
    int peak = read_file(cgroup, "memory.peak", text, sizeof text);
    usage->memory_peak_bytes = peak == 0 ? strtoll(text, NULL, 10) : instead(peak);
    int events = read_file(cgroup, "memory.events", text, sizeof text);
    usage->oom_kills = events == 0 ? keyed(text, "oom_kill") : instead(events);
    int io = read_file(cgroup, "../io.stat", text, sizeof text); /* the limits of the slot are for both of its leaves */
    usage->read_bytes = io == 0 ? nested(text, "rbytes=") : instead(io);
    usage->written_bytes = io == 0 ? nested(text, "wbytes=") : instead(io);
    const int errors[] = {cpu, peak, events, io};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i] != 0 && !is_missing(errors[i]))
            return errors[i];
    }
    return 0;
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

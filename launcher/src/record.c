#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

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

int record_write(const struct exit_record *record)
{
    char text[1024];
    int length = snprintf(
        text, sizeof text,
        "version 1\n"
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
        "end\n",
        (long)record->main_pid, WIFEXITED(record->wait_status) ? WEXITSTATUS(record->wait_status) : -1,
        WIFSIGNALED(record->wait_status) ? WTERMSIG(record->wait_status) : 0,
        WIFSIGNALED(record->wait_status) && WCOREDUMP(record->wait_status) ? 1 : 0, CAUSES[record->cause],
        (long long)record->started_at.tv_sec * 1000000000 + record->started_at.tv_nsec,
        (long long)record->ended_at.tv_sec * 1000000000 + record->ended_at.tv_nsec, micros(record->usage.ru_utime),
        micros(record->usage.ru_stime), (long long)record->usage.ru_maxrss * 1024,
        (long long)record->usage.ru_inblock * 512, (long long)record->usage.ru_oublock * 512, /* getrusage(2) */
        record->refused_call != NULL ? record->refused_call : "none");
    if (length < 0 || (size_t)length >= sizeof text)
        return EOVERFLOW;

    int fd = open("exit.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int error = write_all(fd, text, (size_t)length);
    if (close(fd) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename("exit.tmp", "exit") != 0)
        error = errno;
    return error;
}

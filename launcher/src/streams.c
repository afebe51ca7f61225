#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The job may open /dev/stdout anew, for both: as of any pipe, what it reads from it the other end will not. */
static int give_to_job(const struct sheet *sheet, int fd, mode_t mode)
{
    return sheet->gid >= 0 && (fchown(fd, (uid_t)-1, (gid_t)sheet->gid) != 0 || fchmod(fd, mode) != 0) ? errno : 0;
}

/* A pipe without a name: its reading end is capture's alone, as long as which lives the job sees no EPIPE. */
static int open_pipe(const struct sheet *sheet, int *for_capture, int *for_job)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    *for_capture = ends[0];
    *for_job = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) /* of this end's open file description only */
        return errno;
    /* fcntl(2): F_SETPIPE_SZ is refused beyond the user's budget; then the default has to do. */
    for (int size = 1024 * 1024; size > 64 * 1024 && fcntl(ends[0], F_SETPIPE_SZ, size) < 0; size /= 2)
        continue;
    return give_to_job(sheet, ends[1], 0660);
}

/* Its writing end is the feeder's alone, so that the job's end of file is what the feeder does. */
static int open_feed(const struct sheet *sheet, int *feed, int *for_job)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    *for_job = ends[0];
    *feed = ends[1];
    if (fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0)
        return errno;
    return give_to_job(sheet, ends[0], 0640);
}

int streams_open(const struct sheet *sheet, struct job_stdio *stdio, struct capture_pipes *pipes, int *feed,
                 enum step *step)
{
    *step = STEP_PIPE;
    int error = open_pipe(sheet, &pipes->out, &stdio->out);
    if (error != 0)
        return error;
    stdio->err = stdio->out;
    if (!sheet->merge && (error = open_pipe(sheet, &pipes->err, &stdio->err)) != 0)
        return error;
    *step = STEP_STDIN;
    *feed = -1;
    if (sheet->stdin_stream)
        return open_feed(sheet, feed, &stdio->in);
    stdio->in = open(sheet->stdin_path, O_RDONLY | O_CLOEXEC);
    if (stdio->in < 0)
        return errno;
    /* Like the pipes: a job may open /dev/stdin anew. */
    struct stat st;
    if (fstat(stdio->in, &st) != 0)
        return errno;
    return S_ISREG(st.st_mode) ? give_to_job(sheet, stdio->in, 0640) : 0;
}

void streams_close(struct job_stdio *stdio)
{
    close(stdio->in);
    close(stdio->out);
    if (stdio->err != stdio->out)
        close(stdio->err);
}

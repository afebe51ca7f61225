#include "mark.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int mark_check_attempt(const struct sheet *sheet)
{
    char named[NAME_MAX + 1];
    if (sheet->attempt == NULL)
        return 0;
    ssize_t length = readlink("slot", named, sizeof named);
    if (length < 0)
        return errno;
    return (size_t)length == strlen(sheet->attempt) && memcmp(named, sheet->attempt, (size_t)length) == 0 ? 0 : ESTALE;
}

int mark_is_moved(const char *name)
{
    struct stat here, named;
    if (*name != '/' || stat(".", &here) != 0)
        return 0;
    if (stat(name, &named) != 0)
        return errno == ENOENT || errno == ENOTDIR; /* what cannot be looked at (EACCES, ESTALE) is not gone */
    return here.st_dev != named.st_dev || here.st_ino != named.st_ino;
}

/* fsync(2): the entries, of the mark in its directory and of that in its own, need one each. */
static int make_durable(int mark)
{
    static const char *const DIRECTORIES[] = {".", ".."};
    int error = fsync(mark) != 0 ? errno : 0;
    for (size_t i = 0; error == 0 && i < sizeof DIRECTORIES / sizeof DIRECTORIES[0]; i++) {
        int directory = open(DIRECTORIES[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
            return errno;
        if (fsync(directory) != 0)
            error = errno;
        close(directory);
    }
    return error;
}

int mark_make(const struct sheet *sheet, int *made)
{
    int mark = open("started", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (mark < 0)
        return errno;
    *made = 1;
    int error = sheet->durable ? make_durable(mark) : 0;
    if (close(mark) != 0 && error == 0)
        error = errno;
    /*
     * A launch is given up by the link first; then the directory is moved away, and emptied. So a mark that could be
     * made because the link is gone again is in a directory that has been moved.
     */
    return error == 0 && mark_is_moved(sheet->dir) ? ESTALE : error;
}

void mark_revoke(const struct step_failure *why)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %d", step_name(why->step), why->error);
    if (length < 0 || (size_t)length >= sizeof text)
        return;
    if (symlink(text, "started.tmp") == 0 && rename("started.tmp", "started") != 0)
        (void)unlink("started.tmp");
}

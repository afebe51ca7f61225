/*
 * A reader of a job's log for tests, made after docs/log-format.md and not after the writer.
 */
#ifndef JOB_WORKER_LOG_READER_H
#define JOB_WORKER_LOG_READER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct read_frame {
    uint64_t start, end, usec;
    unsigned stream;
};

struct read_log {
    uint64_t oldest; /* of the first byte that is kept */
    uint64_t end;    /* as far as the files tell it */
    uint64_t kept;
    unsigned files;
    unsigned records;
    uint64_t disk_bytes; /* as long as the files are */
    struct read_frame *frames; /* of the wanted streams, in order; as many as records where all are wanted */
    size_t length;       /* of text */
    char *text;          /* all that is kept of the wanted streams, in order; ended by a NUL */
};

struct found_segment {
    uint64_t sequence, base, floor, index_bytes;
    char path[512];
};

static int by_base(const void *a, const void *b)
{
    const struct found_segment *first = a, *second = b;
    return first->sequence < second->sequence ? -1 : first->sequence > second->sequence;
}

static uint64_t word_at(const char *bytes, size_t at)
{
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

/* streams: bit 1 for stdout, bit 2 for stderr. The caller frees text. Returns 0 if anything is not as it should be. */
static int read_log(struct read_log *log, const char *directory, unsigned streams)
{
    static struct found_segment found[2048];
    size_t count = 0;
    memset(log, 0, sizeof *log);
    DIR *files = opendir(directory);
    if (files == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        char header[64];
        if (strstr(entry->d_name, ".seg") == NULL)
            continue;
        struct found_segment *segment = &found[count];
        snprintf(segment->path, sizeof segment->path, "%s/%s", directory, entry->d_name);
        int fd = open(segment->path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, header, sizeof header);
        close(fd);
        if (n != sizeof header || memcmp(header, "JWLOG1\r\n", 8) != 0 || (uint32_t)word_at(header, 8) != 2)
            continue; /* its writer died in making it */
        segment->index_bytes = word_at(header, 16);
        segment->sequence = word_at(header, 32);
        segment->base = word_at(header, 40);
        segment->floor = word_at(header, 48);
        count++;
    }
    closedir(files);
    qsort(found, count, sizeof found[0], by_base);
    log->text = calloc(1, 1);
    log->frames = calloc(1, sizeof *log->frames);
    size_t frames = 0;
    uint64_t last_usec = 0;
    log->oldest = count > 0 ? found[0].base : 0;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        int fd = open(found[i].path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) != 0)
            return 0;
        char *bytes = malloc((size_t)st.st_size + 1);
        if (bytes == NULL || pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
            return 0;
        close(fd);
        uint64_t from = found[i].base;
        if (from < log->end)
            return 0; /* segments overlap */
        log->files++;
        log->disk_bytes += (uint64_t)st.st_size;
        if (found[i].floor > log->end)
            log->end = found[i].floor;
        for (uint64_t at = 64; at + 16 <= found[i].index_bytes && at + 16 <= (uint64_t)st.st_size; at += 16) {
            uint64_t end = word_at(bytes, at), stream = word_at(bytes, at + 8) & 3;
            if (end <= from)
                break; /* zeroes, or what an older segment had there */
            uint64_t usec = word_at(bytes, at + 8) >> 2;
            uint64_t start = found[i].index_bytes + from - found[i].base;
            if (stream == 0 || stream == 3 || start + (end - from) > (uint64_t)st.st_size || usec < last_usec)
                return 0;
            last_usec = usec;
            if ((streams & stream) != 0) {
                if ((frames & (frames + 1)) == 0)
                    log->frames = realloc(log->frames, (2 * frames + 2) * sizeof *log->frames);
                log->frames[frames++] = (struct read_frame){from, end, usec, (unsigned)stream};
                log->text = realloc(log->text, log->length + (end - from) + 1);
                memcpy(log->text + log->length, bytes + start, end - from);
                log->length += end - from;
                log->text[log->length] = '\0';
            }
            log->kept += end - from;
            log->records++;
            from = end;
        }
        if (from > log->end)
            log->end = from;
        free(bytes);
    }
    return 1;
}

static void free_log(struct read_log *log)
{
    free(log->text);
    free(log->frames);
}

#endif

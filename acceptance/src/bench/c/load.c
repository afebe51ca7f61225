/* Programs to run as jobs: one that writes as fast as it can, and one that writes what time it is. */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void write_all(const char *buffer, size_t length) {
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, buffer, length);
        if (n < 0)
            fail("write");
        buffer += n;
        length -= (size_t)n;
    }
}

static void sleep_us(long microseconds) {
    struct timespec pause = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&pause, &pause) != 0)
        if (errno != EINTR)
            fail("nanosleep");
}

/* write BYTES BLOCK LINGER_US: then says on stderr how many nanoseconds it took. */
int write_main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    long bytes = number(argv[0]), block = number(argv[1]);
    char *buffer = malloc((size_t)block);
    if (buffer == NULL)
        fail("malloc");
    for (long i = 0; i < block; i++) /* lines of 100 bytes */
        buffer[i] = i % 100 == 99 ? '\n' : (char)('a' + i % 26);
    int64_t start = now_ns();
    for (long left = bytes; left > 0; left -= block)
        write_all(buffer, (size_t)(left < block ? left : block));
    fprintf(stderr, "%lld\n", (long long)(now_ns() - start));
    sleep_us(number(argv[2]));
    free(buffer);
    return 0;
}

/* stamp COUNT INTERVAL_US: lines of 64 bytes that start with '@' and the time of the write in nanoseconds. */
int stamp_main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    for (long left = number(argv[0]); left > 0; left--) {
        char line[65];
        sleep_us(number(argv[1]));
        snprintf(line, sizeof line, "@%019lld %42s\n", (long long)now_ns(), "");
        write_all(line, sizeof line - 1);
    }
    return 0;
}

/* touch BYTES: takes so much memory and gives it back, so that a virtual machine's host has it ready. */
int touch_main(int argc, char **argv) {
    if (argc != 1)
        return 2;
    size_t size = (size_t)number(argv[0]);
    char *memory = malloc(size);
    if (memory == NULL)
        fail("malloc");
    memset(memory, 1, size);
    printf("%d\n", memory[size / 2]); /* or else the compiler would leave it out */
    free(memory);
    return 0;
}

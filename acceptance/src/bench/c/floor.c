/* The floors: the same bytes over OpenSSL's TLS 1.3 and loopback, and nothing else. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t block, bytes;

static void *send_bytes(void *ssl) {
    char *buffer = calloc(1, block);
    if (buffer == NULL)
        fail("calloc");
    for (size_t left = bytes; left > 0;) {
        size_t n = left < block ? left : block;
        tls_write_all(ssl, buffer, n);
        left -= n;
    }
    free(buffer);
    return NULL;
}

static void *receive_bytes(void *ssl) {
    char *buffer = malloc(256 * 1024);
    if (buffer == NULL)
        fail("malloc");
    for (size_t left = bytes, n; left > 0; left -= n)
        if (SSL_read_ex(ssl, buffer, left < 256 * 1024 ? left : 256 * 1024, &n) != 1)
            fail("SSL_read");
    free(buffer);
    return NULL;
}

static void in_threads(void *(*work)(void *), SSL **connections, long count) {
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    if (threads == NULL)
        fail("calloc");
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, work, connections[i]) != 0)
            fail("pthread_create");
    for (long i = 0; i < count; i++)
        if (pthread_join(threads[i], NULL) != 0)
            fail("pthread_join");
    free(threads);
}

static double cpu_of(const struct rusage *usage) {
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static double cpu_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        fail("getrusage");
    return cpu_of(&usage);
}

/* tls SERVER_CERT SERVER_KEY CLIENT_CERT CLIENT_KEY CA CONNECTIONS BLOCK BYTES_EACH: seconds, sender's CPU seconds */
int tls_main(int argc, char **argv) {
    if (argc != 8)
        return 2;
    long count = number(argv[5]);
    block = (size_t)number(argv[6]);
    bytes = (size_t)number(argv[7]);
    int port, listener = tls_listen(&port);
    SSL **connections = calloc((size_t)count, sizeof *connections);
    if (connections == NULL)
        fail("calloc");
    pid_t sender = fork();
    if (sender < 0)
        fail("fork");
    if (sender == 0) {
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
            fail("signal");
        SSL_CTX *context = tls_context(1, argv[0], argv[1], argv[4]);
        for (long i = 0; i < count; i++)
            connections[i] = tls_accept(context, listener);
        double before = cpu_seconds();
        in_threads(send_bytes, connections, count);
        fprintf(stdout, "%.3f\n", cpu_seconds() - before);
        exit(0);
    }
    SSL_CTX *context = tls_context(0, argv[2], argv[3], argv[4]);
    for (long i = 0; i < count; i++)
        connections[i] = tls_connect(context, port, NULL);
    int64_t start = now_ns();
    in_threads(receive_bytes, connections, count);
    int64_t taken = now_ns() - start;
    int status;
    if (waitpid(sender, &status, 0) != sender || status != 0)
        fail("the sender");
    printf("%.6f\n", (double)taken / 1e9);
    return 0;
}

/* Starts WORDS of this program with its output going into the pipe. */
static pid_t spawn_writer(const int ends[2], int (*run)(int, char **), int argc, char **words) {
    pid_t writer = fork();
    if (writer == 0) {
        if (dup2(ends[1], STDOUT_FILENO) < 0)
            fail("dup2");
        exit(run(argc, words));
    }
    if (writer < 0)
        fail("fork");
    return writer;
}

/* Starts cat from the pipe to the file. */
static pid_t spawn_cat(const int ends[2], int file) {
    pid_t cat = fork();
    if (cat == 0) {
        if (dup2(ends[0], STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0)
            fail("dup2");
        execlp("cat", "cat", (char *)NULL);
        fail("cat");
    }
    if (cat < 0)
        fail("fork");
    return cat;
}

static void wait_for(pid_t child, struct rusage *usage) {
    int status;
    if (wait4(child, &status, 0, usage) != child || status != 0)
        fail("the pipeline");
}

/*
 * cat BYTES BLOCK FILE: `write | cat >FILE; rm FILE`; on stderr the writer's nanoseconds, on stdout the CPU seconds of
 * cat and of rm.
 */
int cat_main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int ends[2], file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || pipe2(ends, O_CLOEXEC) != 0)
        fail(argv[2]);
    pid_t cat = spawn_cat(ends, file);
    char *words[] = {argv[0], argv[1], "0"};
    pid_t writer = spawn_writer(ends, write_main, 3, words);
    if (close(ends[0]) != 0 || close(ends[1]) != 0)
        fail("close");
    struct rusage usage;
    wait_for(writer, NULL);
    wait_for(cat, &usage);
    double before = cpu_seconds();
    if (unlink(argv[2]) != 0 || close(file) != 0)
        fail("unlink");
    printf("%.6f %.6f\n", cpu_of(&usage), cpu_seconds() - before);
    return 0;
}

/* crowd WRITERS COUNT INTERVAL_US FILE: so many times `stamp COUNT INTERVAL_US | cat >FILE`; the CPU seconds of all cats */
int crowd_main(int argc, char **argv) {
    long writers = argc == 4 ? number(argv[0]) : 0;
    pid_t *children = calloc((size_t)writers, 2 * sizeof *children);
    if (writers == 0 || children == NULL)
        return 2;
    for (long i = 0; i < writers; i++) {
        int ends[2], file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file < 0 || unlink(argv[3]) != 0 || pipe2(ends, O_CLOEXEC) != 0)
            fail(argv[3]);
        children[2 * i] = spawn_writer(ends, stamp_main, 2, argv + 1);
        children[2 * i + 1] = spawn_cat(ends, file);
        if (close(ends[0]) != 0 || close(ends[1]) != 0 || close(file) != 0)
            fail("close");
    }
    double cpu = 0;
    for (long i = 0; i < writers; i++) {
        struct rusage usage;
        wait_for(children[2 * i], NULL);
        wait_for(children[2 * i + 1], &usage);
        cpu += cpu_of(&usage);
    }
    free(children);
    printf("%.6f\n", cpu);
    return 0;
}

/* spawn COUNT PROGRAM: p50 and p99, in nanoseconds, of posix_spawn and wait */
int spawn_main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    struct samples samples = {0};
    for (long left = number(argv[0]); left > 0; left--) {
        char *words[] = {argv[1], NULL}, *environment[] = {NULL};
        pid_t child;
        int64_t start = now_ns();
        if (posix_spawn(&child, argv[1], NULL, NULL, words, environment) != 0)
            fail(argv[1]);
        wait_for(child, NULL);
        samples_add(&samples, now_ns() - start);
    }
    samples_print(&samples);
    free(samples.values);
    return 0;
}

/* echo SERVER_CERT SERVER_KEY CLIENT_CERT CLIENT_KEY CA COUNT INTERVAL_US SIZE: p50 and p99 of the round trip */
int echo_main(int argc, char **argv) {
    if (argc != 8)
        return 2;
    long count = number(argv[5]);
    size_t size = (size_t)number(argv[7]);
    char *buffer = calloc(1, size);
    if (buffer == NULL)
        fail("calloc");
    int port, listener = tls_listen(&port);
    pid_t server = fork();
    if (server < 0)
        fail("fork");
    if (server == 0) {
        SSL *ssl = tls_accept(tls_context(1, argv[0], argv[1], argv[4]), listener);
        for (long i = 0; i < count; i++) {
            tls_read_all(ssl, buffer, size);
            tls_write_all(ssl, buffer, size);
        }
        exit(0);
    }
    SSL *ssl = tls_connect(tls_context(0, argv[2], argv[3], argv[4]), port, NULL);
    struct samples samples = {0};
    for (long i = 0; i < count; i++) {
        if (usleep((useconds_t)number(argv[6])) != 0)
            fail("usleep");
        int64_t start = now_ns();
        tls_write_all(ssl, buffer, size);
        tls_read_all(ssl, buffer, size);
        samples_add(&samples, now_ns() - start);
    }
    samples_print(&samples);
    free(samples.values);
    free(buffer);
    return 0;
}

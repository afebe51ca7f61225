/*
 * A follower of logs that does no more than it must: TLS, HTTP/2 frames (RFC 9113) and flow control.
 * It counts what arrives; that it is the right bytes is the tests' affair.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RESET = 3, FRAME_SETTINGS = 4, FRAME_PING = 6, FRAME_GOAWAY = 7,
       FRAME_WINDOW = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, FRAME_HEADER = 9, MAX_FRAME = 16384, READ_BYTES = 256 * 1024 };

static const char *const METHOD = "/jobworker.v1.JobWorker/Logs";

static long window; /* bytes a stream may send ahead */
static int stalled; /* never take anything more than that */
static pthread_barrier_t ready;

struct connection {
    SSL *ssl;
    char **jobs;
    int streams;
    int open;
    int stamps; /* whether to look for the time of writing */
    int64_t bytes;
    int64_t unacknowledged;
    int64_t *unacknowledged_of; /* by stream */
    struct samples delays;
};

static void put32(unsigned char *at, uint32_t value) {
    at[0] = (unsigned char)(value >> 24);
    at[1] = (unsigned char)(value >> 16);
    at[2] = (unsigned char)(value >> 8);
    at[3] = (unsigned char)value;
}

static uint32_t get32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static size_t frame(unsigned char *at, size_t length, int type, int flags, uint32_t stream) {
    put32(at, (uint32_t)length << 8);
    at[3] = (unsigned char)type;
    at[4] = (unsigned char)flags;
    put32(at + 5, stream);
    return FRAME_HEADER + length;
}

static size_t window_update(unsigned char *at, uint32_t stream, int64_t bytes) {
    put32(at + FRAME_HEADER, (uint32_t)bytes);
    return frame(at, 4, FRAME_WINDOW, 0, stream);
}

/* RFC 7541, section 6.2.2: a literal without indexing, by a new name; both shorter than 127 bytes. */
static size_t header(unsigned char *at, const char *name, const char *value) {
    size_t n = strlen(name), v = strlen(value);
    at[0] = 0;
    at[1] = (unsigned char)n;
    memcpy(at + 2, name, n);
    at[2 + n] = (unsigned char)v;
    memcpy(at + 3 + n, value, v);
    return 3 + n + v;
}

static size_t request(unsigned char *at, uint32_t stream, const char *job) {
    unsigned char *head = at + FRAME_HEADER;
    size_t n = header(head, ":method", "POST");
    n += header(head + n, ":scheme", "https");
    n += header(head + n, ":path", METHOD);
    n += header(head + n, ":authority", "localhost");
    n += header(head + n, "content-type", "application/grpc");
    n += header(head + n, "te", "trailers");
    size_t length = frame(at, n, FRAME_HEADERS, END_HEADERS, stream);
    unsigned char *body = at + length + FRAME_HEADER; /* a gRPC message: flag, length, JobRequest { id = 1 } */
    size_t id = strlen(job);
    body[0] = 0;
    put32(body + 1, (uint32_t)id + 2);
    body[5] = 0x0a;
    body[6] = (unsigned char)id;
    memcpy(body + 7, job, id);
    return length + frame(at + length, id + 7, FRAME_DATA, END_STREAM, stream);
}

static void hello(struct connection *c) {
    static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    unsigned char out[128];
    memcpy(out, PREFACE, sizeof PREFACE - 1);
    size_t n = sizeof PREFACE - 1;
    out[n + FRAME_HEADER] = 0;
    out[n + FRAME_HEADER + 1] = 4; /* SETTINGS_INITIAL_WINDOW_SIZE */
    put32(out + n + FRAME_HEADER + 2, (uint32_t)window);
    n += frame(out + n, 6, FRAME_SETTINGS, 0, 0);
    n += window_update(out + n, 0, (int64_t)window * c->streams - 65535 > 0 ? (int64_t)window * c->streams - 65535 : 1);
    tls_write_all(c->ssl, out, n);
}

static void look_for_stamps(struct connection *c, const unsigned char *data, size_t length) {
    int64_t now = now_ns();
    for (size_t i = 0; i + 20 <= length; i++)
        if (data[i] == '@' && data[i + 1] == '0') { /* an '@' alone may be a length of 64 */
            int64_t then = 0;
            for (size_t d = 1; d < 20; d++)
                then = then * 10 + (data[i + d] - '0');
            samples_add(&c->delays, now - then);
            i += 19;
        }
}

static void take(struct connection *c, uint32_t stream, int64_t bytes) {
    c->bytes += bytes;
    if (stalled)
        return;
    unsigned char out[32];
    size_t n = 0;
    int64_t *of_stream = &c->unacknowledged_of[stream / 2];
    c->unacknowledged += bytes;
    *of_stream += bytes;
    if (c->unacknowledged >= window / 4) {
        n += window_update(out + n, 0, c->unacknowledged);
        c->unacknowledged = 0;
    }
    if (*of_stream >= window / 4) {
        n += window_update(out + n, stream, *of_stream);
        *of_stream = 0;
    }
    if (n > 0)
        tls_write_all(c->ssl, out, n);
}

static void handle(struct connection *c, const unsigned char *head, const unsigned char *payload, size_t length) {
    uint32_t stream = get32(head + 5);
    unsigned char out[64];
    switch (head[3]) {
        case FRAME_DATA:
            if (c->stamps)
                look_for_stamps(c, payload, length);
            take(c, stream, (int64_t)length);
            break;
        case FRAME_SETTINGS:
            if ((head[4] & ACK) == 0)
                tls_write_all(c->ssl, out, frame(out, 0, FRAME_SETTINGS, ACK, 0));
            break;
        case FRAME_PING:
            if ((head[4] & ACK) == 0 && length == 8) {
                memcpy(out + FRAME_HEADER, payload, 8);
                tls_write_all(c->ssl, out, frame(out, 8, FRAME_PING, ACK, 0));
            }
            break;
        case FRAME_RESET:
            fail("stream reset by the server");
        case FRAME_GOAWAY:
            fail("connection ended by the server");
        default:
            break;
    }
    if ((head[3] == FRAME_DATA || head[3] == FRAME_HEADERS) && (head[4] & END_STREAM) != 0)
        c->open--;
}

static void *follow(void *argument) {
    struct connection *c = argument;
    unsigned char *buffer = malloc(READ_BYTES + MAX_FRAME + FRAME_HEADER), out[512];
    if (buffer == NULL)
        fail("malloc");
    hello(c);
    pthread_barrier_wait(&ready);
    for (int i = 0; i < c->streams; i++)
        tls_write_all(c->ssl, out, request(out, (uint32_t)(2 * i + 1), c->jobs[i]));
    size_t have = 0;
    while (c->open > 0) {
        size_t n;
        if (SSL_read_ex(c->ssl, buffer + have, READ_BYTES, &n) != 1)
            fail("SSL_read");
        have += n;
        size_t at = 0;
        while (have - at >= FRAME_HEADER) {
            size_t length = get32(buffer + at) >> 8;
            if (length > MAX_FRAME)
                fail("frame too long");
            if (have - at < FRAME_HEADER + length)
                break;
            handle(c, buffer + at, buffer + at + FRAME_HEADER, length);
            at += FRAME_HEADER + length;
        }
        memmove(buffer, buffer + at, have - at);
        have -= at;
    }
    free(buffer);
    return NULL;
}

/*
 * follow PORT CERT KEY CA CONNECTIONS STREAMS WINDOW MODE SECONDS JOB...: MODE is read, stamps or stall; jobs are
 * followed in turn. Prints bytes and seconds, or the delays; with SECONDS > 0 it ends by itself after that long.
 */
int follow_main(int argc, char **argv) {
    if (argc < 10)
        return 2;
    long count = number(argv[4]), streams = number(argv[5]);
    window = number(argv[6]);
    stalled = strcmp(argv[7], "stall") == 0;
    int jobs = argc - 9;
    SSL_CTX *context = tls_context(0, argv[1], argv[2], argv[3]);
    struct connection *all = calloc((size_t)count, sizeof *all);
    pthread_t *threads = calloc((size_t)count, sizeof *threads);
    if (all == NULL || threads == NULL || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        pthread_barrier_init(&ready, NULL, (unsigned)count + 1) != 0)
        fail("calloc");
    for (long i = 0; i < count; i++) {
        all[i].ssl = tls_connect(context, (int)number(argv[0]), "\x02h2");
        all[i].streams = all[i].open = (int)streams;
        all[i].stamps = strcmp(argv[7], "stamps") == 0;
        all[i].unacknowledged_of = calloc((size_t)streams, sizeof *all[i].unacknowledged_of);
        all[i].jobs = calloc((size_t)streams, sizeof *all[i].jobs);
        if (all[i].unacknowledged_of == NULL || all[i].jobs == NULL)
            fail("calloc");
        for (long s = 0; s < streams; s++)
            all[i].jobs[s] = argv[9 + (i * streams + s) % jobs];
        if (pthread_create(&threads[i], NULL, follow, &all[i]) != 0)
            fail("pthread_create");
    }
    pthread_barrier_wait(&ready);
    int64_t start = now_ns();
    if (number(argv[8]) > 0)
        alarm((unsigned)number(argv[8]));
    puts("following");
    fflush(stdout);
    int64_t bytes = 0;
    for (long i = 0; i < count; i++) {
        if (pthread_join(threads[i], NULL) != 0)
            fail("pthread_join");
        bytes += all[i].bytes;
    }
    if (all[0].stamps)
        samples_print(&all[0].delays);
    else
        printf("%lld %.6f\n", (long long)bytes, (double)(now_ns() - start) / 1e9);
    return 0;
}

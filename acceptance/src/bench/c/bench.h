/* What the parts of the benchmarks' helper share. None of it is part of the product. */
#ifndef BENCH_H
#define BENCH_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

_Noreturn void fail(const char *what);
long number(const char *text);
int64_t now_ns(void);

/* TLS 1.3 with AES-128-GCM; with a certificate of its own and the other side's verified. */
SSL_CTX *tls_context(int server, const char *cert, const char *key, const char *ca);
SSL *tls_connect(SSL_CTX *context, int port, const char *alpn);
int tls_listen(int *port);
SSL *tls_accept(SSL_CTX *context, int listener);
void tls_read_all(SSL *ssl, void *buffer, size_t length);
void tls_write_all(SSL *ssl, const void *buffer, size_t length);

/* Prints "p50 p99" of what was added. */
struct samples {
    int64_t *values;
    size_t count, capacity;
};
void samples_add(struct samples *samples, int64_t value);
void samples_print(struct samples *samples);

/* The parts; each takes the words after its name. */
int write_main(int argc, char **argv);
int stamp_main(int argc, char **argv);
int touch_main(int argc, char **argv);
int tls_main(int argc, char **argv);
int cat_main(int argc, char **argv);
int crowd_main(int argc, char **argv);
int spawn_main(int argc, char **argv);
int echo_main(int argc, char **argv);
int follow_main(int argc, char **argv);

#endif

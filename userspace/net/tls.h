/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tls.h
 * How this server speaks TLS and DTLS: versions, ciphers, ALPN. One for all workers; any thread.
 */
#ifndef TURNPIKE_NET_TLS_H
#define TURNPIKE_NET_TLS_H

#include <openssl/ssl.h>

#include "net/certificate.h"

struct tls;

/**
 * tls_new() - get ready for handshakes
 * @certificate: has to outlive the result
 *
 * Return: what tls_free() takes, or NULL; then a sentence has been said.
 */
struct tls *tls_new(struct certificate *certificate);

/** tls_free() - NULL is fine; what was made of it stays */
void tls_free(struct tls *tls);

/** tls_new_stream() - Return: the server's end of a TLS connection, for SSL_free(), or NULL */
SSL *tls_new_stream(const struct tls *tls);

/**
 * tls_new_datagrams() - the same of DTLS
 *
 * Its cookies are those of dtls_cookie.h, for the struct turn_tuple that SSL_set_app_data() names.
 */
SSL *tls_new_datagrams(const struct tls *tls);

/**
 * tls_record_overhead() - bytes that the cipher adds to the plaintext of a DTLS record
 * @ssl: the server's end, which has received ChangeCipherSpec
 */
size_t tls_record_overhead(const SSL *ssl);

#endif /* TURNPIKE_NET_TLS_H */

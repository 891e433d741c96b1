/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tls.h
 * Parameters of TLS and DTLS: versions, ciphers and ALPN. All workers share them; any thread.
 */
#ifndef TURNPIKE_NET_TLS_H
#define TURNPIKE_NET_TLS_H

#include <openssl/ssl.h>

#include "net/certificate.h"
#include "net/tls_bio.h"

struct tls;

/**
 * tls_new() - set the parameters of the server's handshakes
 * @certificate: must outlive the result
 *
 * Errors are logged. Return: the parameters, for tls_free(), or NULL.
 */
struct tls *tls_new(struct certificate *certificate);

/** tls_free() - to be called after all its connections have been freed; accepts NULL */
void tls_free(struct tls *tls);

/**
 * tls_new_stream() - create the server's end of a TLS connection
 * @wire: must outlive the result
 *
 * Return: NULL on failure.
 */
SSL *tls_new_stream(const struct tls *tls, struct tls_wire *wire);

/**
 * tls_new_datagrams() - create the server's end of a DTLS connection
 * @wire: must outlive the result
 *
 * Set the client's struct turn_tuple with SSL_set_app_data(): the cookie depends on it.
 *
 * Return: NULL on failure.
 */
SSL *tls_new_datagrams(const struct tls *tls, struct tls_wire *wire);

/**
 * tls_record_overhead() - bytes that the cipher adds to the plaintext of a DTLS record
 * @ssl: the server's end of a connection that has received ChangeCipherSpec
 */
size_t tls_record_overhead(const SSL *ssl);

#endif /* TURNPIKE_NET_TLS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls_bio.h
 * What OpenSSL reads datagrams from, and writes them to: each write is a datagram, as is each read.
 * A BIO of memory would run them together.
 */
#ifndef TURNPIKE_NET_DTLS_BIO_H
#define TURNPIKE_NET_DTLS_BIO_H

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct dtls_wire - what a BIO is connected to
 * @in:   the datagram that has come, NULL: none; it can be read once
 * @send: sends one
 */
struct dtls_wire {
	const uint8_t *in;
	size_t in_len;
	void (*send)(struct dtls_wire *wire, const uint8_t *data, size_t len);
};

/** dtls_bio_method_new() - Return: what BIO_meth_free() takes, or NULL without memory */
BIO_METHOD *dtls_bio_method_new(void);

/** dtls_bio_new() - Return: a BIO for SSL_set_bio(), or NULL without memory; @wire is not copied */
BIO *dtls_bio_new(const BIO_METHOD *method, struct dtls_wire *wire);

#endif /* TURNPIKE_NET_DTLS_BIO_H */

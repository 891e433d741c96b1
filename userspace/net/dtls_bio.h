/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls_bio.h
 * A BIO through which OpenSSL reads and writes datagrams. Each read and each write is one datagram,
 * whereas a memory BIO would join them.
 */
#ifndef TURNPIKE_NET_DTLS_BIO_H
#define TURNPIKE_NET_DTLS_BIO_H

#include <openssl/bio.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct dtls_wire - the network side of a BIO
 * @in:   the next datagram to read, or NULL; a read resets it to NULL
 * @send: send a datagram
 */
struct dtls_wire {
	const uint8_t *in;
	size_t in_len;
	void (*send)(struct dtls_wire *wire, const uint8_t *data, size_t len);
};

/** dtls_bio_method_new() - Return: the method, for BIO_meth_free(), or NULL if out of memory */
BIO_METHOD *dtls_bio_method_new(void);

/**
 * dtls_bio_new() - create a BIO for SSL_set_bio()
 * @wire: must outlive the BIO
 *
 * Return: the BIO, or NULL if out of memory.
 */
BIO *dtls_bio_new(const BIO_METHOD *method, struct dtls_wire *wire);

#endif /* TURNPIKE_NET_DTLS_BIO_H */

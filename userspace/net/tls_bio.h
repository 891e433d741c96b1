/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tls_bio.h
 * A BIO through which OpenSSL reads what has been received, and writes records one by one. So this
 * process decides when it calls the kernel, and with how many records; a memory BIO would also
 * merge the datagrams of DTLS.
 */
#ifndef TURNPIKE_NET_TLS_BIO_H
#define TURNPIKE_NET_TLS_BIO_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct tls_wire - the network side of a BIO
 * @in:     received bytes that OpenSSL has not read; of DTLS one record
 * @in_len: their number; 0: OpenSSL has to wait
 * @send:   send bytes, of DTLS a datagram; Return: false if that is not possible any more
 */
struct tls_wire {
	const uint8_t *in;
	size_t in_len;
	bool (*send)(struct tls_wire *wire, const uint8_t *data, size_t len);
};

/** tls_bio_method_new() - Return: the method, for BIO_meth_free(), or NULL if out of memory */
BIO_METHOD *tls_bio_method_new(void);

/**
 * tls_bio_new() - create a BIO for SSL_set_bio()
 * @wire: must outlive the BIO
 *
 * Return: the BIO, or NULL if out of memory.
 */
BIO *tls_bio_new(const BIO_METHOD *method, struct tls_wire *wire);

#endif /* TURNPIKE_NET_TLS_BIO_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "net/tls_bio.h"

static int bio_write(BIO *bio, const char *data, int len)
{
	struct tls_wire *wire = BIO_get_data(bio);

	if (len > 0 && !wire->send(wire, (const uint8_t *)data, (size_t)len))
		return -1;
	return len;
}

static int bio_read(BIO *bio, char *buf, int size)
{
	struct tls_wire *wire = BIO_get_data(bio);
	size_t len = wire->in_len < (size_t)size ? wire->in_len : (size_t)size;

	BIO_clear_retry_flags(bio);
	if (len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(buf, wire->in, len);
	wire->in += len;
	wire->in_len -= len;
	return (int)len;
}

/* Flush succeeds, as nothing is buffered; 0 rejects the other commands. */
static long bio_control(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (!method)
		return NULL;
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_control);
	return method;
}

BIO *tls_bio_new(const BIO_METHOD *method, struct tls_wire *wire)
{
	BIO *bio = BIO_new(method);

	if (!bio)
		return NULL;
	BIO_set_data(bio, wire);
	BIO_set_init(bio, 1);
	return bio;
}

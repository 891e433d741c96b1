/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* The server cannot prompt for one. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool at_end(void)
{
	const unsigned long error = ERR_peek_last_error();

	return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool use_certificate(SSL_CTX *context, BIO *bio)
{
	X509 *x509 = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
	bool used = x509 && SSL_CTX_use_certificate(context, x509) == 1;

	X509_free(x509);
	return used;
}

static bool add_issuers(SSL_CTX *context, BIO *bio)
{
	X509 *issuer;

	while ((issuer = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		if (SSL_CTX_add0_chain_cert(context, issuer) == 1)
			continue;
		X509_free(issuer);
		return false;
	}
	return at_end();
}

bool pem_use_chain(SSL_CTX *context, const struct regular_file *file)
{
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->len);
	bool used = bio && use_certificate(context, bio) && add_issuers(context, bio);

	BIO_free(bio);
	return used;
}

bool pem_use_key(SSL_CTX *context, const struct regular_file *file)
{
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	bool used = key && SSL_CTX_use_PrivateKey(context, key) == 1;

	EVP_PKEY_free(key);
	BIO_free(bio);
	return used;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <openssl/err.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/dtls_cookie.h"
#include "net/tls.h"

/**
 * Ciphers for TLS 1.2, whose other ones are weak or lack forward secrecy (RFC 9325). All are AEAD:
 * with CBC and encrypt-then-MAC, OpenSSL 3.0 ends a DTLS session at a wrong MAC.
 */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/** No client is asked for a certificate; for DTLS, OpenSSL takes this for any long message. */
#define CLIENT_CERTIFICATE_MAX 1024

/** Explicit nonce and tag (RFC 5288 section 3); tag only (RFC 7905 section 2). */
#define OVERHEAD_AESGCM   (8 + 16)
#define OVERHEAD_CHACHA20 16

struct tls {
	struct certificate *certificate;
	SSL_CTX *streams;
	SSL_CTX *datagrams;
	BIO_METHOD *bio;
	uint8_t cookie_key[SIPHASH_KEY_LEN];
};

/*
 * ALPN is optional for a client (RFC 7443). The server rejects one that offers only other protocols
 * (RFC 7301 section 3.2).
 */
static int on_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *len,
		   const unsigned char *offered, unsigned int offered_len, void *arg)
{
	static const unsigned char supported[] = "\x09stun.turn\x12stun.nat-discovery";
	unsigned char *found;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&found, len, supported, sizeof(supported) - 1, offered,
				  offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

static int on_certificate(SSL *ssl, void *certificate)
{
	return certificate_use(certificate, ssl);
}

static const uint8_t *cookie_key(const SSL *ssl)
{
	const struct tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	return tls->cookie_key;
}

static int on_make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
	dtls_cookie_make(cookie_key(ssl), SSL_get_app_data(ssl), clock_now(), cookie);
	*len = DTLS_COOKIE_LEN;
	return 1;
}

static int on_check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
	return dtls_cookie_is_valid(cookie_key(ssl), SSL_get_app_data(ssl), clock_now(), cookie,
				    len);
}

/* Clients resume sessions with tickets, which need no memory in the server. */
static SSL_CTX *make_context(struct tls *tls, const SSL_METHOD *method, int min_version)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		return NULL;
	SSL_CTX_set_app_data(context, tls);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
					     SSL_OP_NO_QUERY_MTU);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(context, CLIENT_CERTIFICATE_MAX);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(context, on_alpn, NULL);
	SSL_CTX_set_cert_cb(context, on_certificate, tls->certificate);
	SSL_CTX_set_cookie_generate_cb(context, on_make_cookie);
	SSL_CTX_set_cookie_verify_cb(context, on_check_cookie);
	if (SSL_CTX_set_min_proto_version(context, min_version) == 1 &&
	    SSL_CTX_set_cipher_list(context, CIPHERS) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

struct tls *tls_new(struct certificate *certificate)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls) {
		log_error("out of memory");
		return NULL;
	}
	tls->certificate = certificate;
	random_fill(tls->cookie_key, sizeof(tls->cookie_key));
	tls->streams = make_context(tls, TLS_server_method(), TLS1_2_VERSION);
	tls->datagrams = make_context(tls, DTLS_server_method(), DTLS1_2_VERSION);
	tls->bio = tls_bio_method_new();
	if (tls->streams && tls->datagrams && tls->bio)
		return tls;
	log_error("cannot configure TLS: %s; check whether openssl.cnf disables TLS 1.2 or ECDHE",
		  ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	tls_free(tls);
	return NULL;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->streams);
	SSL_CTX_free(tls->datagrams);
	BIO_meth_free(tls->bio);
	OPENSSL_cleanse(tls->cookie_key, sizeof(tls->cookie_key));
	free(tls);
}

static SSL *new_server(const struct tls *tls, SSL_CTX *context, struct tls_wire *wire)
{
	SSL *ssl = SSL_new(context);
	BIO *bio = tls_bio_new(tls->bio, wire);

	if (!ssl || !bio) {
		BIO_free(bio);
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	return ssl;
}

SSL *tls_new_stream(const struct tls *tls, struct tls_wire *wire)
{
	return new_server(tls, tls->streams, wire);
}

SSL *tls_new_datagrams(const struct tls *tls, struct tls_wire *wire)
{
	return new_server(tls, tls->datagrams, wire);
}

size_t tls_record_overhead(const SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

	if (SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305)
		return OVERHEAD_CHACHA20;
	return OVERHEAD_AESGCM;
}

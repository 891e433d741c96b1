/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/addr.h"
#include "base/clock.h"

/** The MTU of any path for IPv6; the kernel does not know that of a path without packets. */
#define LINK_MTU 1280

/** How long one call may read records that bring no data. */
#define READ_PATIENCE NS_PER_S

/* Returns a negative errno for the result of an operation of OpenSSL that has failed. */
static int error_of(const SSL *ssl, int result)
{
	const int kind = SSL_get_error(ssl, result);
	const int system = errno;
	const unsigned long error = ERR_peek_error();

	ERR_clear_error();
	switch (kind) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	case SSL_ERROR_SYSCALL:
		return system ? -system : -EPIPE;
	}
	if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return -EPIPE;
	/* Reasons from SSL_AD_REASON_OFFSET on are alerts of the server. */
	return ERR_GET_REASON(error) > SSL_AD_REASON_OFFSET ? -ECONNABORTED : -EPROTO;
}

/* When OpenSSL sends a flight of DTLS again, or the deadline. */
static uint64_t next_event(SSL *ssl, uint64_t deadline)
{
	struct timeval left;
	uint64_t timer;

	if (!SSL_is_dtls(ssl) || !DTLSv1_get_timeout(ssl, &left))
		return deadline;
	timer = clock_now() + (uint64_t)left.tv_sec * NS_PER_S + (uint64_t)left.tv_usec * 1000;
	return timer < deadline ? timer : deadline;
}

/*
 * An operation of OpenSSL reads on while records come that bring it no further, such as
 * HelloRequests. From the deadline on, it gets none.
 */
static long limit_reading(BIO *bio, int operation, const char *data, size_t len, int argi,
			  long argl, int result, size_t *processed)
{
	const struct check_transport *transport = (const void *)BIO_get_callback_arg(bio);

	(void)data;
	(void)len;
	(void)argi;
	(void)argl;
	(void)processed;
	if (operation != BIO_CB_READ || clock_now() < transport->ssl_deadline)
		return result;
	BIO_clear_retry_flags(bio);
	errno = ETIMEDOUT;
	return -1;
}

static int handshake(struct check_transport *transport, uint64_t deadline)
{
	SSL *ssl = transport->ssl;
	struct pollfd pollfd = { .fd = transport->fd };

	for (;;) {
		int result, err;

		errno = 0;
		transport->ssl_deadline = deadline;
		result = SSL_do_handshake(ssl);
		if (result == 1)
			return 0;
		err = error_of(ssl, result);
		if (err != -EAGAIN)
			return err;
		if (clock_now() >= deadline)
			return -ETIMEDOUT;
		pollfd.events = SSL_want_write(ssl) ? POLLOUT : POLLIN;
		if (poll(&pollfd, 1, clock_ms_until(next_event(ssl, deadline))) == 0 &&
		    SSL_is_dtls(ssl))
			DTLSv1_handle_timeout(ssl);
	}
}

/* The socket is connected, which OpenSSL does not notice. */
static BIO *datagram_bio(const struct check_transport *transport)
{
	const struct turnpike_addr *server = &transport->server;
	const int family = server->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6;
	BIO *bio = BIO_new_dgram(transport->fd, BIO_NOCLOSE);
	BIO_ADDR *peer = BIO_ADDR_new();

	if (bio && peer &&
	    BIO_ADDR_rawmake(peer, family, server->ip, addr_len(server), server->port))
		BIO_ctrl_set_connected(bio, peer);
	BIO_ADDR_free(peer);
	return bio;
}

static int make_session(struct check_transport *transport, const char *host,
			struct check_certificate *certificate)
{
	const bool dtls = transport->kind == TURN_DTLS;
	SSL_CTX *ctx = SSL_CTX_new(dtls ? DTLS_client_method() : TLS_client_method());
	BIO *bio;

	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_default_verify_paths(ctx);
	transport->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	bio = dtls ? datagram_bio(transport) : BIO_new_socket(transport->fd, BIO_NOCLOSE);
	if (!transport->ssl || !bio) {
		BIO_free(bio);
		return -ENOMEM;
	}
	BIO_set_callback_ex(bio, limit_reading);
	BIO_set_callback_arg(bio, (char *)transport);
	SSL_set_bio(transport->ssl, bio, bio);
	SSL_set_connect_state(transport->ssl);
	SSL_set_mode(transport->ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (dtls) {
		SSL_set_options(transport->ssl, SSL_OP_NO_QUERY_MTU);
		DTLS_set_link_mtu(transport->ssl, LINK_MTU);
	}
	return check_certificate_watch(transport->ssl, host, certificate);
}

int check_tls_start(struct check_transport *transport, const char *host, uint64_t deadline,
		    struct check_certificate *certificate)
{
	int err = make_session(transport, host, certificate);

	if (!err)
		err = handshake(transport, deadline);
	if (!err)
		check_certificate_read(transport->ssl, certificate);
	return err;
}

const char *check_tls_version(const struct check_transport *transport)
{
	return SSL_get_version(transport->ssl);
}

void check_tls_close(struct check_transport *transport)
{
	if (!transport->ssl)
		return;
	if (SSL_is_init_finished(transport->ssl))
		SSL_shutdown(transport->ssl);
	ERR_clear_error();
	SSL_free(transport->ssl);
	transport->ssl = NULL;
}

ssize_t check_tls_write(struct check_transport *transport, const uint8_t *data, size_t len)
{
	int result;

	errno = 0;
	result = SSL_write(transport->ssl, data, len < INT_MAX ? (int)len : INT_MAX);
	return result > 0 ? result : error_of(transport->ssl, result);
}

ssize_t check_tls_read(struct check_transport *transport, uint8_t *data, size_t size)
{
	int result;

	errno = 0;
	transport->ssl_deadline = clock_now() + READ_PATIENCE;
	result = SSL_read(transport->ssl, data, size < INT_MAX ? (int)size : INT_MAX);
	return result > 0 ? result : error_of(transport->ssl, result);
}

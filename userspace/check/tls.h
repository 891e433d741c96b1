/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file tls.h
 * TLS and DTLS of a connection.
 */
#ifndef TURNPIKE_CHECK_TLS_H
#define TURNPIKE_CHECK_TLS_H

#include <stdint.h>
#include <sys/types.h>

#include "check/certificate.h"
#include "check/transport.h"

/**
 * check_tls_start() - make the handshake
 * @transport:   connected
 * @host:        the name or address that the certificate must have
 * @certificate: what is right and wrong with it; the handshake succeeds in any case
 *
 * Return: 0; -ETIMEDOUT; -EPIPE if the server has closed the connection; -EPROTO if it does not
 * speak TLS; -ECONNABORTED if it has refused the handshake by an alert; -ENOMEM; another negative
 * errno of the socket.
 */
int check_tls_start(struct check_transport *transport, const char *host, uint64_t deadline,
		    struct check_certificate *certificate);

/** check_tls_version() - the version that the handshake has chosen, such as "TLSv1.3" */
const char *check_tls_version(const struct check_transport *transport);

/** check_tls_close() - say goodbye without waiting; nothing without TLS */
void check_tls_close(struct check_transport *transport);

/** check_tls_write(), check_tls_read() - Return: the number of bytes, -EAGAIN, -EPIPE or -EPROTO */
ssize_t check_tls_write(struct check_transport *transport, const uint8_t *data, size_t len);
ssize_t check_tls_read(struct check_transport *transport, uint8_t *data, size_t size);

#endif /* TURNPIKE_CHECK_TLS_H */

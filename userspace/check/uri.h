/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file uri.h
 * The URI of a TURN server (RFC 7065).
 */
#ifndef TURNPIKE_CHECK_URI_H
#define TURNPIKE_CHECK_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "turn/types.h"

#define CHECK_HOST_MAX 253

/**
 * struct check_uri - a server
 * @host:       its name or address, without brackets
 * @port:       host byte order
 * @transports: those to check, a bit for each enum turn_transport
 * @chosen:     the URI has named the transport
 */
struct check_uri {
	char host[CHECK_HOST_MAX + 1];
	uint16_t port;
	unsigned int transports;
	bool chosen;
};

/**
 * check_uri_parse() - parse turn:HOST[:PORT][?transport=udp|tcp] and turns:, where udp is DTLS
 *
 * Without a transport, both are checked. Without a port, it is 3478 or 5349.
 *
 * Return: 0 or -EINVAL.
 */
int check_uri_parse(const char *text, struct check_uri *uri);

#endif /* TURNPIKE_CHECK_URI_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file types.h
 * Types that the core and its owner exchange.
 *
 * Addresses carry ports in network byte order; all other numbers are in host byte order.
 */
#ifndef TURNPIKE_TURN_TYPES_H
#define TURNPIKE_TURN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/** Writable bytes that the owner guarantees in front of a packet's data. */
#define TURN_HEADROOM 64
/** Writable bytes that the owner guarantees behind a packet's data. */
#define TURN_TAILROOM 4

/** A time that never comes. */
#define TURN_NEVER UINT64_MAX

/** Relayed transport addresses of one allocation: one per family (RFC 8656 section 7.2). */
#define TURN_RELAYS_MAX 2

/**
 * enum turn_transport - how a client reaches the server (RFC 8656 section 3.1)
 *
 * The server always reaches peers over UDP. Only clients on TURN_UDP have flows.
 */
enum turn_transport {
	TURN_UDP,
	TURN_TCP,
	TURN_TLS,
	TURN_DTLS,
};

#define TURN_TRANSPORTS 4

/** turn_transport_names - by enum turn_transport, in lower case */
extern const char *const turn_transport_names[TURN_TRANSPORTS];

/** turn_transport_is_stream() - whether the transport keeps no message boundaries */
static inline bool turn_transport_is_stream(unsigned int transport)
{
	return transport == TURN_TCP || transport == TURN_TLS;
}

/**
 * struct turn_tuple - the 5-tuple of a client
 * @client:    the client's transport address as seen by the server
 * @server:    the local address that the client sent to, never a wildcard
 * @transport: enum turn_transport
 */
struct turn_tuple {
	struct turnpike_addr client;
	struct turnpike_addr server;
	uint16_t transport;
};

/**
 * struct turn_packet - a message that the core may build a new header around
 * @data: the payload of a datagram, or one message of a stream as found by turn_frame(), with
 *        TURN_HEADROOM writable bytes before it and TURN_TAILROOM after it
 * @len:  length of @data in bytes, without headroom and tailroom
 * @ttl:  TTL or hop limit with which the datagram has come, at least 1; 0: a message of a stream,
 *        which has none. Relayed data leaves with one less, and is dropped if that is 0
 *
 * The core may overwrite all of these bytes; their contents are undefined afterwards.
 */
struct turn_packet {
	uint8_t *data;
	size_t len;
	uint8_t ttl;
};

/** enum turn_direction - the direction of application data */
enum turn_direction {
	TURN_TO_PEER,
	TURN_TO_CLIENT,
	TURN_DIRECTIONS,
};

/** struct turn_traffic - application data relayed in one direction */
struct turn_traffic {
	uint64_t packets;
	uint64_t bytes;
};

/** struct turn_use - how much of what there is is used */
struct turn_use {
	uint64_t used;
	uint64_t capacity;
};

/**
 * struct turn_icmp - an ICMP error in reply to a datagram to a peer
 * @type: ICMPv4 or ICMPv6 type, by the family of the relayed transport address
 * @code: ICMPv4 or ICMPv6 code
 * @mtu:  MTU of the next-hop link, if @type and @code mean "packet too big"
 */
struct turn_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t mtu;
};

#endif /* TURNPIKE_TURN_TYPES_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stun/cursor.h"
#include "stun/writer.h"
#include "turn/data.h"
#include "turn/state/account.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"

/** Header, XOR-PEER-ADDRESS with an IPv6 address, and the header of DATA. */
#define DATA_INDICATION_MAX (STUN_HEADER_LEN + STUN_ATTR_HEADER_LEN + 20 + STUN_ATTR_HEADER_LEN)

_Static_assert(DATA_INDICATION_MAX <= TURN_HEADROOM, "a Data indication is built in place");

/**
 * struct outgoing - data for a peer
 * @peer:          its address, as bound
 * @packet:        the message of the client
 * @data:          the datagram in it
 * @len:           its length in bytes
 * @dont_fragment: as in turn_ops.send_peer
 */
struct outgoing {
	const struct turnpike_addr *peer;
	const struct turn_packet *packet;
	const uint8_t *data;
	size_t len;
	bool dont_fragment;
};

static struct turn_allocation *find_allocation(struct turn_server *server,
					       const struct turn_tuple *tuple)
{
	struct turn_allocation *alloc = turn_allocation_find(server, tuple);

	if (!alloc)
		turn_drop_message(server, tuple, TURN_REASON_NO_ALLOCATION);
	return alloc;
}

static bool is_live(struct turn_server *server, const struct turn_relay *relay,
		    const struct turnpike_addr *peer, uint64_t now)
{
	if (relay->timer.when > now)
		return true;
	turn_drop_data(server, relay, peer, TURN_REASON_NO_ALLOCATION);
	return false;
}

/** A permission covers the IP address; if that is of this relay, the port must be live, too. */
static bool is_reachable(struct turn_server *server, const struct turn_permission *permission,
			 const struct turnpike_addr *peer, uint64_t now)
{
	if (!permission->is_self || turn_self_is_live_relay(server, peer, now))
		return true;
	turn_drop_data(server, permission->relay, peer, TURN_REASON_NO_RELAY);
	return false;
}

static bool is_granted(struct turn_server *server, const struct turn_relay *relay,
		       const struct turnpike_addr *peer, const struct turn_permission *permission,
		       uint64_t now)
{
	if (permission && permission->expiry_ns > now)
		return true;
	turn_drop_data(server, relay, peer, TURN_REASON_NO_PERMISSION);
	return false;
}

/**
 * RFC 8656 section 21.1.7: TTL ends loops of relays, as in the kernel. It ends with @transport, by
 * which the data leaves, if that is a stream.
 */
static bool may_leave(struct turn_server *server, const struct turn_relay *relay,
		      const struct turnpike_addr *peer, const struct turn_packet *packet,
		      unsigned int transport)
{
	if (packet->ttl != 1 || turn_transport_is_stream(transport))
		return true;
	turn_drop_data(server, relay, peer, TURN_REASON_TTL);
	return false;
}

static bool may_pass(struct turn_server *server, const struct turn_relay *relay,
		     const struct turnpike_addr *peer, enum turn_direction direction, size_t len)
{
	void *limits = relay->alloc->limits;

	if (!limits || server->ops.police(server->ctx, limits, direction, len))
		return true;
	turn_drop_data(server, relay, peer, TURN_REASON_POLICED);
	return false;
}

/** Whoever makes the host look for peers that do not exist must not use up its neighbours. */
static bool may_reach(struct turn_server *server, struct turn_permission *permission,
		      const struct turnpike_addr *peer, uint64_t now)
{
	const struct turn_relay *relay = permission->relay;

	if (permission->reach_until > now || permission->is_self)
		return true;
	permission->reach_until =
		server->ops.reach(server->ctx, turn_account_name(relay->alloc->user->account),
				  &relay->addr, peer, permission->is_asked, now);
	permission->is_asked = true;
	if (permission->reach_until > now)
		return true;
	turn_drop_data(server, relay, peer, TURN_REASON_NO_NEIGHBOUR);
	return false;
}

static void add(struct turn_traffic *traffic, size_t len)
{
	traffic->packets++;
	traffic->bytes += len;
}

static void count(struct turn_server *server, struct turn_relay *relay,
		  enum turn_direction direction, size_t len)
{
	add(direction == TURN_TO_PEER ? &server->stats.to_peer : &server->stats.to_client, len);
	add(&relay->traffic[direction], len);
}

/** Returns whether the datagram has been relayed. */
static bool send_peer(struct turn_server *server, struct turn_permission *permission,
		      const struct outgoing *out, uint64_t now)
{
	struct turn_relay *relay = permission->relay;

	if (!is_live(server, relay, out->peer, now) ||
	    !is_reachable(server, permission, out->peer, now) ||
	    !may_leave(server, relay, out->peer, out->packet, TURN_UDP) ||
	    !may_reach(server, permission, out->peer, now) ||
	    !may_pass(server, relay, out->peer, TURN_TO_PEER, out->len))
		return false;
	count(server, relay, TURN_TO_PEER, out->len);
	server->ops.send_peer(server->ctx, relay->handle, out->peer, out->data, out->len,
			      out->dont_fragment);
	return true;
}

/** A peer refers to its permission, which saves the second lookup. */
static struct turn_permission *find_permission(const struct turn_server *server,
					       const struct turn_relay *relay,
					       const struct turnpike_addr *addr,
					       struct turn_peer **peer)
{
	*peer = turn_peer_find(server, relay, addr);
	return *peer ? (*peer)->permission : turn_permission_find(server, relay, addr);
}

/**
 * Whether data that an indication carries makes client and peer a pair. ICE checks many pairs by
 * STUN messages, most of which never carry data. @peer: NULL: not known yet.
 */
static bool makes_pair(const struct turn_peer *peer, const struct turn_relay *relay,
		       const uint8_t *data, size_t len, uint64_t now)
{
	if (peer && (peer->is_pair || turn_channel_is_live(peer->channel, now)))
		return false;
	return relay->alloc->tuple.transport == TURN_UDP && !stun_is_message(data, len);
}

void turn_data_from_channel(struct turn_server *server, const struct turn_tuple *tuple,
			    const struct turn_packet *packet, uint64_t now)
{
	struct stun_cursor cursor = { .pos = packet->data, .left = packet->len };
	const struct turn_channel *channel;
	struct outgoing out = { .packet = packet };
	uint16_t number, len;

	/* RFC 8656 section 12.6: bytes after the data are padding. */
	if (stun_take_u16(&cursor, &number) || stun_take_u16(&cursor, &len) ||
	    stun_take(&cursor, len, &out.data)) {
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
		return;
	}
	channel = turn_channel_find(server, tuple, number);
	if (!turn_channel_is_live(channel, now)) {
		if (find_allocation(server, tuple))
			turn_drop_message(server, tuple, TURN_REASON_NO_CHANNEL);
		return;
	}
	out.peer = &channel->peer->key.peer;
	out.len = len;
	send_peer(server, channel->peer->permission, &out, now);
}

/**
 * RFC 8656 sections 13 to 15: for UDP clients the attribute only applies from IPv4 to IPv4, since
 * otherwise the packets' own DF decides. A stream has no packets, so it applies always.
 */
static bool has_dont_fragment(const struct stun_message *msg, const struct turn_tuple *tuple,
			      const struct turnpike_addr *peer)
{
	struct stun_attr attr;

	if (stun_find_attr(msg, STUN_ATTR_DONT_FRAGMENT, &attr))
		return false;
	return turn_transport_is_stream(tuple->transport) ||
	       (tuple->client.family == TURNPIKE_IPV4 && peer->family == TURNPIKE_IPV4);
}

/** Finds the attributes that a Send indication must have. @addr: as the client names the peer. */
static bool parse_send(const struct stun_message *msg, struct stun_attr *data,
		       struct turnpike_addr *addr)
{
	struct stun_attr peer;

	return !stun_find_attr(msg, STUN_ATTR_XOR_PEER_ADDRESS, &peer) &&
	       !stun_find_attr(msg, STUN_ATTR_DATA, data) &&
	       !stun_attr_xor_addr(msg, &peer, addr) && addr->port != 0;
}

void turn_data_from_indication(struct turn_server *server, const struct turn_tuple *tuple,
			       const struct turn_packet *packet, const struct stun_message *msg,
			       uint64_t now)
{
	struct turn_permission *permission;
	const struct turn_allocation *alloc;
	const struct turn_relay *relay;
	struct turnpike_addr addr;
	struct turn_peer *peer;
	struct stun_attr data;
	struct outgoing out;

	if (!parse_send(msg, &data, &addr)) {
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
		return;
	}
	alloc = find_allocation(server, tuple);
	if (!alloc)
		return;
	addr = turn_self_to_bound(server, &addr);
	relay = turn_relay_for(alloc, addr.family);
	if (!relay) {
		turn_drop_message(server, tuple, TURN_REASON_NO_PERMISSION);
		return;
	}
	permission = find_permission(server, relay, &addr, &peer);
	if (!is_granted(server, relay, &addr, permission, now))
		return;
	out = (struct outgoing){
		.peer = &addr,
		.packet = packet,
		.data = data.value,
		.len = data.len,
		.dont_fragment = has_dont_fragment(msg, tuple, &addr),
	};
	if (send_peer(server, permission, &out, now) &&
	    makes_pair(peer, relay, data.value, data.len, now))
		turn_pair_begin(server, permission, &addr, TURN_TO_PEER, now);
}

/** Pads @message with zeros to a multiple of four bytes, into TURN_TAILROOM. */
static size_t pad(uint8_t *message, size_t len)
{
	while (len % 4 != 0)
		message[len++] = 0;
	return len;
}

static void send_channel_data(struct turn_server *server, struct turn_relay *relay, uint16_t number,
			      const struct turn_packet *packet)
{
	const struct turn_tuple *tuple = &relay->alloc->tuple;
	uint8_t *message = packet->data - TURN_CHANNEL_HEADER_LEN;
	size_t len = TURN_CHANNEL_HEADER_LEN + packet->len;

	message[0] = (uint8_t)(number >> 8);
	message[1] = (uint8_t)number;
	message[2] = (uint8_t)(packet->len >> 8);
	message[3] = (uint8_t)packet->len;
	count(server, relay, TURN_TO_CLIENT, packet->len);
	/* RFC 8656 section 12.5 */
	if (turn_transport_is_stream(tuple->transport))
		len = pad(message, len);
	server->ops.send_client(server->ctx, tuple, message, len);
}

/** Returns whether the datagram has been relayed. */
static bool send_data_indication(struct turn_server *server, struct turn_relay *relay,
				 const struct turnpike_addr *from, const struct turn_packet *packet)
{
	size_t headers = DATA_INDICATION_MAX - 16 + addr_len(from);
	struct turnpike_addr peer = turn_self_to_external(server, from);
	uint8_t transaction[STUN_TRANSACTION_LEN];
	struct stun_writer writer;
	size_t len;

	server->ops.random(server->ctx, transaction, sizeof(transaction));
	stun_writer_begin(&writer, packet->data - headers, headers + packet->len + TURN_TAILROOM,
			  STUN_INDICATION, TURN_DATA, transaction);
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	/* Its value is already in place. */
	stun_write_attr(&writer, STUN_ATTR_DATA, packet->len);
	if (stun_writer_end(&writer, &len)) {
		turn_drop_data(server, relay, from, TURN_REASON_OVERSIZE);
		return false;
	}
	count(server, relay, TURN_TO_CLIENT, packet->len);
	server->ops.send_client(server->ctx, &relay->alloc->tuple, writer.buf, len);
	return true;
}

void turn_server_peer_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *from, const struct turn_packet *packet,
			    uint64_t now)
{
	struct turn_permission *permission;
	struct turn_peer *peer;

	if (!is_live(server, relay, from, now))
		return;
	permission = find_permission(server, relay, from, &peer);
	if (!is_granted(server, relay, from, permission, now) ||
	    !is_reachable(server, permission, from, now) ||
	    !may_leave(server, relay, from, packet, relay->alloc->tuple.transport) ||
	    !may_pass(server, relay, from, TURN_TO_CLIENT, packet->len))
		return;
	permission->reach_until = TURN_NEVER;
	if (peer && turn_channel_is_live(peer->channel, now))
		send_channel_data(server, relay, peer->channel->key.number, packet);
	else if (send_data_indication(server, relay, from, packet) &&
		 makes_pair(peer, relay, packet->data, packet->len, now))
		turn_pair_begin(server, permission, from, TURN_TO_CLIENT, now);
}

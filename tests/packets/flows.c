/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>

#include "vector.h"

#define HOUR_NS 3600000000000ull

const struct families families[FAMILIES] = {
	{ TURNPIKE_IPV4, TURNPIKE_IPV4 },
	{ TURNPIKE_IPV6, TURNPIKE_IPV6 },
	{ TURNPIKE_IPV4, TURNPIKE_IPV6 },
	{ TURNPIKE_IPV6, TURNPIKE_IPV4 },
};

const struct framings framings[FRAMINGS] = {
	{ FRAMING_CHANNEL, FRAMING_CHANNEL, .other_relays = false },
	{ FRAMING_INDICATION, FRAMING_CHANNEL, .other_relays = false },
	{ FRAMING_CHANNEL, FRAMING_INDICATION, .other_relays = false },
	{ FRAMING_INDICATION, FRAMING_INDICATION, .other_relays = false },
	{ FRAMING_INDICATION, FRAMING_CHANNEL, .other_relays = true },
	{ FRAMING_CHANNEL, FRAMING_INDICATION, .other_relays = true },
	{ FRAMING_INDICATION, FRAMING_INDICATION, .other_relays = true },
};

bool vector_may_have(enum turnpike_direction direction, struct framings which)
{
	switch (direction) {
	case TURNPIKE_DIR_TO_PEER:
		return which.out == FRAMING_CHANNEL && !which.other_relays;
	case TURNPIKE_DIR_TO_CLIENT:
		return which.in == FRAMING_CHANNEL && !which.other_relays;
	default:
		return true;
	}
}

__u8 vector_peer_family(enum turnpike_direction direction, struct framings which,
			struct families pair)
{
	if (direction == TURNPIKE_DIR_TO_CLIENT)
		return pair.in;
	if (direction != TURNPIKE_DIR_HAIRPIN || !which.other_relays)
		return pair.out;
	return pair.out == TURNPIKE_IPV4 ? TURNPIKE_IPV6 : TURNPIKE_IPV4;
}

static void set_framing(enum framing framing, __u16 channel, enum host peer,
			struct turnpike_binding *ret)
{
	if (framing == FRAMING_CHANNEL)
		ret->channel = channel;
	else
		ret->xor_peer = host_addr(peer, ret->peer.family);
}

static struct turnpike_binding make_binding(enum host client, __u8 near, enum host relay,
					    enum host peer, __u8 far)
{
	const __u64 expires = TESTBED_NOW + HOUR_NS;

	return (struct turnpike_binding){
		.client = host_addr(client, near),
		.server = host_addr(SERVER, near),
		.relay = host_addr(relay, far),
		.peer = host_addr(peer, far),
		.channel_expires = expires,
		.permission_expires = expires,
	};
}

void vector_flow(enum turnpike_direction direction, struct framings which, struct families pair,
		 struct encoded_flow *ret)
{
	const bool to_client = direction == TURNPIKE_DIR_TO_CLIENT;
	const bool hairpin = direction == TURNPIKE_DIR_HAIRPIN;
	const __u8 near = to_client ? pair.out : pair.in;
	const __u8 far = vector_peer_family(direction, which, pair);
	struct turnpike_binding ours =
		make_binding(CLIENT, near, RELAY, hairpin ? RELAY_B : PEER, far);
	struct turnpike_binding others = make_binding(CLIENT_B, pair.out, RELAY_B, RELAY, far);

	set_framing(to_client ? which.out : which.in, CHANNEL, NAMED, &ours);
	set_framing(which.out, CHANNEL_B, NAMED_B, &others);
	if (to_client)
		encode_to_client(&ours, ret);
	else if (hairpin)
		encode_hairpin(&ours, &others, ret);
	else
		encode_to_peer(&ours, ret);
	ret->flow.packets = OLD_PACKETS; /* the IPv4 identification of packets with DF */
	ret->flow.bytes = OLD_BYTES;
	ret->flow.ip6_label = htonl(OUT_LABEL);
}

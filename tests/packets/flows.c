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

void vector_flow(enum turnpike_direction direction, struct families pair, struct encoded_flow *ret)
{
	const __u64 expires = TESTBED_NOW + HOUR_NS;
	const bool hairpin = direction == TURNPIKE_DIR_HAIRPIN;
	const bool to_client = direction == TURNPIKE_DIR_TO_CLIENT;
	const __u8 near = to_client ? pair.out : pair.in;
	const __u8 far = to_client ? pair.in : pair.out;
	const struct turnpike_binding binding = {
		.client = host_addr(CLIENT, near),
		.server = host_addr(SERVER, near),
		.relay = host_addr(hairpin ? SERVER : RELAY, far),
		.peer = host_addr(hairpin ? CLIENT_B : PEER, far),
		.channel = CHANNEL,
		.channel_expires = expires,
		.permission_expires = expires,
	};

	if (to_client)
		encode_to_client(&binding, ret);
	else
		encode_to_peer(&binding, ret);
	if (hairpin)
		ret->flow.framing = htons(CHANNEL_B);
	ret->flow.packets = OLD_PACKETS; /* the IPv4 identification of packets with DF */
	ret->flow.bytes = OLD_BYTES;
	ret->flow.ip6_label = htonl(OUT_LABEL);
}

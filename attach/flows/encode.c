/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/encode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "private/array_len.h"
#include "base/checksum.h"

/* Addresses only. The 12 bytes that IPv4 does not use are 0. */
static __u32 sum_addresses(const struct turnpike_addr *src, const struct turnpike_addr *dst)
{
	return checksum_add(checksum_add(0, src->ip, sizeof(src->ip)), dst->ip, sizeof(dst->ip));
}

/* Addresses and ports of a datagram on one side of the relay. */
struct endpoints {
	const struct turnpike_addr *src;
	const struct turnpike_addr *dst;
};

static void encode_key(const struct endpoints *in, __be16 channel, struct flow_key *key)
{
	if (in->src->family == TURNPIKE_IPV4) {
		key->table = TURNPIKE_FLOWS4;
		memcpy(&key->key4.src, in->src->ip, sizeof(key->key4.src));
		memcpy(&key->key4.dst, in->dst->ip, sizeof(key->key4.dst));
		key->key4.sport = in->src->port;
		key->key4.dport = in->dst->port;
		key->key4.channel = channel;
	} else {
		key->table = TURNPIKE_FLOWS6;
		memcpy(key->key6.src, in->src->ip, sizeof(key->key6.src));
		memcpy(key->key6.dst, in->dst->ip, sizeof(key->key6.dst));
		key->key6.sport = in->src->port;
		key->key6.dport = in->dst->port;
		key->key6.channel = channel;
	}
}

static void encode_send_key(const struct endpoints *in, const struct turnpike_addr *peer,
			    struct flow_key *key)
{
	key->table = TURNPIKE_SENDS;
	memcpy(key->send.src, in->src->ip, sizeof(key->send.src));
	memcpy(key->send.dst, in->dst->ip, sizeof(key->send.dst));
	memcpy(key->send.peer, peer->ip, sizeof(key->send.peer));
	key->send.sport = in->src->port;
	key->send.dport = in->dst->port;
	key->send.peer_port = peer->port;
	key->send.family = in->src->family;
	key->send.peer_family = peer->family;
}

static void encode(const struct endpoints *in, const struct endpoints *out, __u64 expires,
		   struct encoded_flow *ret)
{
	const __u32 in_sum = sum_addresses(in->src, in->dst);
	const __u32 out_sum = sum_addresses(out->src, out->dst);
	const __u16 in_all = checksum_fold(in_sum + in->src->port + in->dst->port);
	struct turnpike_flow *flow = &ret->flow;

	memset(ret, 0, sizeof(*ret));
	flow->expires = expires;
	flow->pseudo_in_sum = checksum_fold(in_sum + htons(IPPROTO_UDP));
	flow->pseudo_out_sum = checksum_fold(out_sum + htons(IPPROTO_UDP));
	flow->l4_delta_sum =
		checksum_fold(out_sum + out->src->port + out->dst->port + (__u16)~in_all);
	flow->ip4_sum = checksum_fold(out_sum + htons(0x4500) + htons(IPPROTO_UDP));
	flow->sport = out->src->port;
	flow->dport = out->dst->port;
	flow->family = out->src->family;
	memcpy(flow->src, out->src->ip, sizeof(flow->src));
	memcpy(flow->dst, out->dst->ip, sizeof(flow->dst));
}

/*
 * Also that the bytes without a meaning are 0: addresses are compared, hashed and summed whole. An
 * IPv4-mapped address means IPv4 to a socket, but would be sent as IPv6 here.
 */
static bool is_valid(const struct turnpike_addr *addr)
{
	static const __u8 zero[12], mapped[12] = { [10] = 0xff, 0xff };

	if (!addr->port || addr->pad)
		return false;
	if (addr->family == TURNPIKE_IPV4)
		return memcmp(addr->ip + 4, zero, sizeof(zero)) == 0;
	return addr->family == TURNPIKE_IPV6 && memcmp(addr->ip, mapped, sizeof(mapped)) != 0;
}

static bool has_valid_framing(const struct turnpike_binding *binding)
{
	static const struct turnpike_addr none;
	const struct turnpike_addr *xor_peer = &binding->xor_peer;

	if (!binding->channel)
		return is_valid(xor_peer) && xor_peer->family == binding->peer.family &&
		       binding->channel_expires == binding->permission_expires;
	return binding->channel >= TURNPIKE_CHANNEL_MIN &&
	       binding->channel <= TURNPIKE_CHANNEL_MAX &&
	       memcmp(xor_peer, &none, sizeof(none)) == 0;
}

int encode_check(const struct turnpike_binding *binding)
{
	const struct turnpike_addr *addresses[] = { &binding->client, &binding->server,
						    &binding->relay, &binding->peer };
	size_t i;

	if (binding->pad[0] || binding->pad[1] || binding->pad[2] || binding->pad2)
		return -EINVAL;
	if (!has_valid_framing(binding))
		return -EINVAL;
	for (i = 0; i < ARRAY_LEN(addresses); i++)
		if (!is_valid(addresses[i]))
			return -EINVAL;
	if (binding->client.family != binding->server.family ||
	    binding->relay.family != binding->peer.family)
		return -EINVAL;
	return 0;
}

/* The client's end: how its messages begin, and how messages to it do. */
static void encode_from_client(const struct turnpike_binding *binding, const struct endpoints *in,
			       struct flow_key *ret)
{
	if (binding->channel)
		encode_key(in, htons(binding->channel), ret);
	else
		encode_send_key(in, &binding->xor_peer, ret);
}

static void encode_framing(const struct turnpike_binding *binding, struct turnpike_flow *ret)
{
	if (binding->channel) {
		ret->framing = htons(binding->channel);
		return;
	}
	ret->framing = htons(TURNPIKE_DATA_INDICATION);
	ret->xor_peer = binding->xor_peer;
}

void encode_to_peer(const struct turnpike_binding *binding, struct encoded_flow *ret)
{
	const struct endpoints in = { &binding->client, &binding->server };
	const struct endpoints out = { &binding->relay, &binding->peer };

	encode(&in, &out, binding->channel_expires, ret);
	encode_from_client(binding, &in, &ret->key);
	ret->flow.policer[0] = binding->to_peer_policer;
}

void encode_to_client(const struct turnpike_binding *binding, struct encoded_flow *ret)
{
	const struct endpoints in = { &binding->peer, &binding->relay };
	const struct endpoints out = { &binding->server, &binding->client };

	encode(&in, &out, binding->permission_expires, ret);
	encode_key(&in, 0, &ret->key);
	encode_framing(binding, &ret->flow);
	ret->flow.policer[0] = binding->to_client_policer;
}

/* To the peer and from there to the other client, in one step. */
void encode_hairpin(const struct turnpike_binding *from, const struct turnpike_binding *to,
		    struct encoded_flow *ret)
{
	const struct endpoints in = { &from->client, &from->server };
	const struct endpoints out = { &to->server, &to->client };
	const __u64 expires = from->channel_expires < to->permission_expires
				      ? from->channel_expires
				      : to->permission_expires;

	encode(&in, &out, expires, ret);
	encode_from_client(from, &in, &ret->key);
	encode_framing(to, &ret->flow);
	ret->flow.policer[0] = from->to_peer_policer;
	ret->flow.policer[1] = to->to_client_policer;
}

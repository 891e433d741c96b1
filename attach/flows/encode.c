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
	key->family = in->src->family;
	if (key->family == TURNPIKE_IPV4) {
		memcpy(&key->key4.src, in->src->ip, sizeof(key->key4.src));
		memcpy(&key->key4.dst, in->dst->ip, sizeof(key->key4.dst));
		key->key4.sport = in->src->port;
		key->key4.dport = in->dst->port;
		key->key4.channel = channel;
	} else {
		memcpy(key->key6.src, in->src->ip, sizeof(key->key6.src));
		memcpy(key->key6.dst, in->dst->ip, sizeof(key->key6.dst));
		key->key6.sport = in->src->port;
		key->key6.dport = in->dst->port;
		key->key6.channel = channel;
	}
}

static void encode(const struct endpoints *in, __be16 in_channel, const struct endpoints *out,
		   __be16 out_channel, __u64 expires, struct encoded_flow *ret)
{
	const __u32 in_sum = sum_addresses(in->src, in->dst);
	const __u32 out_sum = sum_addresses(out->src, out->dst);
	const __u16 in_all = checksum_fold(in_sum + in->src->port + in->dst->port);
	struct turnpike_flow *flow = &ret->flow;

	memset(ret, 0, sizeof(*ret));
	encode_key(in, in_channel, &ret->key);
	flow->expires = expires;
	flow->pseudo_in_sum = checksum_fold(in_sum + htons(IPPROTO_UDP));
	flow->pseudo_out_sum = checksum_fold(out_sum + htons(IPPROTO_UDP));
	flow->l4_delta_sum =
		checksum_fold(out_sum + out->src->port + out->dst->port + (__u16)~in_all);
	flow->ip4_sum = checksum_fold(out_sum + htons(0x4500) + htons(IPPROTO_UDP));
	flow->sport = out->src->port;
	flow->dport = out->dst->port;
	flow->channel = out_channel;
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

int encode_check(const struct turnpike_binding *binding)
{
	const struct turnpike_addr *addresses[] = { &binding->client, &binding->server,
						    &binding->relay, &binding->peer };
	size_t i;

	if (binding->pad[0] || binding->pad[1] || binding->pad[2])
		return -EINVAL;
	if (binding->channel < TURNPIKE_CHANNEL_MIN || binding->channel > TURNPIKE_CHANNEL_MAX)
		return -EINVAL;
	for (i = 0; i < ARRAY_LEN(addresses); i++)
		if (!is_valid(addresses[i]))
			return -EINVAL;
	if (binding->client.family != binding->server.family ||
	    binding->relay.family != binding->peer.family)
		return -EINVAL;
	return 0;
}

void encode_to_peer(const struct turnpike_binding *binding, struct encoded_flow *ret)
{
	const struct endpoints in = { &binding->client, &binding->server };
	const struct endpoints out = { &binding->relay, &binding->peer };

	encode(&in, htons(binding->channel), &out, 0, binding->channel_expires, ret);
	ret->flow.policer[0] = binding->to_peer_policer;
}

void encode_to_client(const struct turnpike_binding *binding, struct encoded_flow *ret)
{
	const struct endpoints in = { &binding->peer, &binding->relay };
	const struct endpoints out = { &binding->server, &binding->client };

	encode(&in, 0, &out, htons(binding->channel), binding->permission_expires, ret);
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

	encode(&in, htons(from->channel), &out, htons(to->channel), expires, ret);
	ret->flow.policer[0] = from->to_peer_policer;
	ret->flow.policer[1] = to->to_client_policer;
}

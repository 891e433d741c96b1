/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the flow of a packet with one lookup, and the next hop of the flow.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_FLOW_H
#define TURNPIKE_PROGRAMS_STEPS_FLOW_H

#include "maps.h"
#include "packet.h"

/*
 * The keys are built anew from 64-bit words. The lookup reads words of this size, and smaller
 * stores would not be forwarded to its loads. To pass a key inside struct packet would also keep
 * the compiler from holding the packet in registers.
 */
static __always_inline __u64 ports_and_channel(__be16 sport, __be16 dport, __be16 channel)
{
	const struct {
		__be16 ports[2], channel, pad;
	} words = { { sport, dport }, channel, 0 };
	__u64 word;

	__builtin_memcpy(&word, &words, sizeof(word));
	return word;
}

static __always_inline void flow_key4(const struct packet *pkt, struct turnpike_key4 *key)
{
	__u64 *words = (__u64 *)key;

	copy_words(&words[0], &pkt->key4.src);
	words[1] = ports_and_channel(pkt->key4.sport, pkt->key4.dport, pkt->framing);
}

static __always_inline void flow_key6(const struct packet *pkt, struct turnpike_key6 *key)
{
	__u64 *words = (__u64 *)key;
	int i;

	for (i = 0; i < 4; i++)
		copy_words(&words[i], (const __u64 *)&pkt->key6 + i);
	words[4] = ports_and_channel(pkt->key6.sport, pkt->key6.dport, pkt->framing);
}

static __always_inline struct turnpike_flow *find_flow4(const struct packet *pkt)
{
	struct turnpike_key4 key;

	flow_key4(pkt, &key);
	return bpf_map_lookup_elem(&flows4, &key);
}

static __always_inline struct turnpike_flow *find_flow6(const struct packet *pkt)
{
	struct turnpike_key6 key;

	flow_key6(pkt, &key);
	return bpf_map_lookup_elem(&flows6, &key);
}

static __always_inline void send_key(const struct packet *pkt, struct turnpike_send_key *key)
{
	int i;

	__builtin_memset(key, 0, sizeof(*key));
	key->family = pkt->family;
	key->peer_family = pkt->peer_family;
	key->peer_port = pkt->peer_port;
	for (i = 0; i < 4; i++)
		key->peer[i] = pkt->peer[i];
	if (pkt->family == TURNPIKE_IPV4) {
		key->src[0] = pkt->key4.src;
		key->dst[0] = pkt->key4.dst;
		key->sport = pkt->key4.sport;
		key->dport = pkt->key4.dport;
		return;
	}
	for (i = 0; i < 4; i++) {
		key->src[i] = pkt->key6.src[i];
		key->dst[i] = pkt->key6.dst[i];
	}
	key->sport = pkt->key6.sport;
	key->dport = pkt->key6.dport;
}

static __always_inline struct turnpike_flow *find_send(const struct packet *pkt)
{
	struct turnpike_send_key key;

	send_key(pkt, &key);
	return bpf_map_lookup_elem(&sends, &key);
}

static __always_inline struct turnpike_flow *find_flow(const struct packet *pkt,
						       enum relay_path path)
{
	if (path == SLOW_PATH && is_indication(pkt->framing))
		return find_send(pkt);
	return pkt->family == TURNPIKE_IPV4 ? find_flow4(pkt) : find_flow6(pkt);
}

static __always_inline struct turnpike_nexthop *find_nexthop(const struct turnpike_flow *flow)
{
	const __u32 index = flow->nexthop;

	return bpf_map_lookup_elem(&nexthops, &index);
}

/* Return: the hop that was current when pkt->hop was set; the library may switch it meanwhile. */
static __always_inline const struct turnpike_hop *chosen_hop(const struct packet *pkt,
							     const struct turnpike_nexthop *nexthop)
{
	return &nexthop->hop[pkt->hop & 1];
}

static __always_inline enum turnpike_direction direction(const struct packet *pkt)
{
	if (!pkt->framing)
		return TURNPIKE_DIR_TO_CLIENT;
	return pkt->out_framing ? TURNPIKE_DIR_HAIRPIN : TURNPIKE_DIR_TO_PEER;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_FLOW_H */

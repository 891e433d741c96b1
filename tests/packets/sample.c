/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "sample.h"

#define WORDS 4 /* of data */

static __u32 add_word(__u32 hash, const void *bytes)
{
	__u32 word;

	memcpy(&word, bytes, sizeof(word));
	hash = (hash ^ word) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

/* Where the packet is sent, and its first words. */
__u32 sample_hash_of(const __be32 dst[4], __be16 dport, __be16 channel, const __u8 *data, __u32 len)
{
	__u32 hash = (__u32)dport << 16 | channel;
	__u32 i;

	for (i = 0; i < 4; i++)
		hash = add_word(hash, &dst[i]);
	for (i = 0; i < WORDS && 4 * i + 4 <= len; i++)
		hash = add_word(hash, data + 4 * i);
	return hash | 1;
}

void sample_of(const struct encoded_flow *flow, __u8 tos, const __u8 *data, __u32 len,
	       struct sample ret[SAMPLE_ELEMENTS])
{
	const struct flow_key *key = &flow->key;

	memset(ret, 0, SAMPLE_ELEMENTS * sizeof(ret[0]));
	ret[0].key.hash =
		sample_hash_of(flow->flow.dst, flow->flow.dport, flow->flow.framing, data, len);
	ret[0].key.len = (__u16)len;
	ret[0].key.port = flow->flow.sport;
	ret[0].value.taken = TESTBED_CHECK_NOW;
	ret[0].value.ifindex = TESTBED_IFINDEX;
	ret[0].value.table = (__u16)key->table;
	ret[0].value.dscp = tos >> 2;
	ret[0].value.send = key->send;
	ret[1] = ret[0];
	ret[1].key.hash = 0;
	ret[1].key.len = 0;
}

bool sample_equals(const struct turnpike_sample_key *key, const struct turnpike_sample *value,
		   const struct sample *sample)
{
	const struct turnpike_sample_key *k = &sample->key;
	const struct turnpike_sample *v = &sample->value;

	return key->hash == k->hash && key->len == k->len && key->port == k->port &&
	       value->taken == v->taken && value->ifindex == v->ifindex &&
	       value->table == v->table && value->dscp == v->dscp && value->more == v->more &&
	       memcmp(&value->send, &v->send, sizeof(v->send)) == 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file sample.h
 * The samples that programs take of packets, computed without code of the programs.
 */
#ifndef TURNPIKE_TESTS_PACKETS_SAMPLE_H
#define TURNPIKE_TESTS_PACKETS_SAMPLE_H

#include "testbed.h"

/** sample_of() - the elements for a packet of the flow with @len bytes of @data, taken now */
void sample_of(const struct encoded_flow *flow, __u8 tos, const __u8 *data, __u32 len,
	       struct sample ret[SAMPLE_ELEMENTS]);

/** sample_hash_of() - the hash of a packet to @dst with @len bytes of @data in @channel, or 0 */
__u32 sample_hash_of(const __be32 dst[4], __be16 dport, __be16 channel, const __u8 *data,
		     __u32 len);

/** sample_equals() - is this element the same? */
bool sample_equals(const struct turnpike_sample_key *key, const struct turnpike_sample *value,
		   const struct sample *sample);

#endif /* TURNPIKE_TESTS_PACKETS_SAMPLE_H */

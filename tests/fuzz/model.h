/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file model.h
 * What must become of a packet: docs/data-plane.md in the order of its table, byte by byte and
 * without a thought for speed. Shares no code with the programs.
 */
#ifndef TURNPIKE_FUZZ_MODEL_H
#define TURNPIKE_FUZZ_MODEL_H

#include "scenario.h"

/** What a UDP checksum is like. */
enum sum {
	SUM_RIGHT,
	SUM_WRONG,
	SUM_PARTIAL,
	SUM_NONE,
	SUMS,
};

/**
 * struct outcome - of one packet
 * @direction: that it is counted under
 * @l2_len, @tags: of the packet that came, its tags with the one beside it
 * @data_len:  application data
 * @padding:   of ChannelData
 * @sum:       of the packet that came
 * @head_failed, @tail_failed: what is to be noted
 * @notify_mtu:  with DONT_FRAGMENT
 * @charged:   to all of its limits, or to none
 * @takes_id:  it takes an IPv4 identification from its next hop
 * @len, @frame: what leaves, with RELAYED; else as it came
 */
struct outcome {
	enum turnpike_verdict verdict;
	enum turnpike_direction direction;
	__u32 l2_len;
	__u32 tags;
	__u32 data_len;
	__u32 padding;
	enum sum sum;
	bool head_failed;
	bool tail_failed;
	__u32 notify_mtu;
	bool charged;
	bool takes_id;
	__u32 len;
	__u8 frame[SCENARIO_FRAME_MAX + TURNPIKE_ROOM_MAX];
};

void model(const struct situation *situation, struct outcome *ret);

#endif /* TURNPIKE_FUZZ_MODEL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file model.h
 * A model of docs/data-plane.md, in the order of its table, byte by byte and regardless of speed.
 * It shares no code with the programs.
 */
#ifndef TURNPIKE_TESTS_FUZZ_MODEL_H
#define TURNPIKE_TESTS_FUZZ_MODEL_H

#include "sample.h"
#include "scenario.h"

/** Kinds of UDP checksums. */
enum sum {
	SUM_RIGHT,
	SUM_WRONG,
	SUM_PARTIAL,
	SUM_NONE,
	SUMS,
};

/**
 * struct outcome - the outcome of one packet
 * @direction:  the direction that it is counted under
 * @l2_len:     length of the incoming Ethernet header
 * @tags:       number of incoming VLAN tags, with the hwaccel tag
 * @data_len:   bytes of application data
 * @is_send:    a Send indication, whether it is relayed or not
 * @padding:    bytes that follow the data in the datagram
 * @sum:        kind of the incoming UDP checksum
 * @head_failed, @tail_failed: the notes that are counted
 * @data_moved: the head has moved further than the headers need, and the data with it
 * @notify_mtu: the MTU that is reported, with DONT_FRAGMENT
 * @charged:    charged to all limits, or else to none
 * @sampled:    a sample is taken
 * @checked:    charged to the limit on checks
 * @after:      the flow afterwards, but for what is counted
 * @takes_id:   takes an IPv4 identification from its next hop
 * @len, @frame: the outgoing frame; if not relayed, the incoming one
 */
struct outcome {
	enum turnpike_verdict verdict;
	enum turnpike_direction direction;
	__u32 l2_len;
	__u32 tags;
	__u32 data_len;
	bool is_send;
	__u32 padding;
	enum sum sum;
	bool head_failed;
	bool tail_failed;
	bool data_moved;
	__u32 notify_mtu;
	bool charged;
	bool takes_id;
	bool sampled;
	bool checked;
	struct turnpike_flow after;
	struct sample sample[2]; /* if @sampled */
	__u32 len;
	__u8 frame[SCENARIO_FRAME_MAX + TURNPIKE_ROOM_MAX];
};

/** model() - predict the outcome of the situation's packet */
void model(const struct situation *situation, struct outcome *ret);

#endif /* TURNPIKE_TESTS_FUZZ_MODEL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_model.h
 * What a TURN server has to be like, worked out from what it tells for the log: which relays,
 * permissions and channels live (RFC 8656 sections 6, 9 and 12), and so what becomes of data. Lists
 * that are searched from end to end, and no code of the server's.
 */
#ifndef TURNPIKE_FUZZ_TURN_MODEL_H
#define TURNPIKE_FUZZ_TURN_MODEL_H

#include "turn/turn.h"

#define MODEL_MAX 4096

struct model_relay {
	struct turnpike_addr addr;
	struct turn_tuple tuple;
	uint64_t expiry;
};

/* Without port: a permission, else a channel. */
struct model_peer {
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	uint16_t channel; /* 0: a permission */
	uint64_t expiry;
};

struct model {
	struct model_relay relays[64];
	size_t n_relays;
	struct model_peer peers[MODEL_MAX];
	size_t n_peers;
	unsigned long long refused;
	unsigned long long told[TURN_EVENT_REFUSED + 1];
	bool draining;
};

/** model_tell() - the server has told of something; it must fit what it has told before */
void model_tell(struct model *model, const struct turn_event *event, uint64_t now);

/** model_deny() - an IP address is no peer any more */
void model_deny(struct model *model, const struct turnpike_addr *ip);

/** model_has_permission() - is data of @peer for @relay to be relayed? */
bool model_has_permission(const struct model *model, const struct turnpike_addr *relay,
			  const struct turnpike_addr *peer, uint64_t now);

/** model_channel_of() - the channel that is bound to @peer, or NULL */
const struct model_peer *model_channel_of(const struct model *model,
					  const struct turnpike_addr *relay,
					  const struct turnpike_addr *peer, uint64_t now);

/** model_channel() - the channel that a client means by a number, or NULL */
const struct model_peer *model_channel(const struct model *model, const struct turn_tuple *tuple,
				       uint16_t number, uint64_t now);

/** model_relay() - a relay that lives, or NULL */
const struct model_relay *model_relay(const struct model *model, const struct turnpike_addr *addr,
				      uint64_t now);

#endif /* TURNPIKE_FUZZ_TURN_MODEL_H */

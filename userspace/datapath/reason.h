/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reason.h
 * Why packets of an allocation are relayed in user space.
 */
#ifndef TURNPIKE_DATAPATH_REASON_H
#define TURNPIKE_DATAPATH_REASON_H

/** enum reason - those of a whole allocation first, then those of a flow */
enum reason {
	REASON_NONE, /* the kernel relays them */
	REASON_TCP,
	REASON_TLS,
	REASON_DTLS,
	REASON_NO_PEER,
	REASON_NO_DATA,
	REASON_PAIRS,
	REASON_IDLE,
	REASON_LINK_LOCAL,
	REASON_REFUSED,
	REASON_EXPIRED,
	REASON_SHARE,
	REASON_FLOWS,
	REASON_NEXTHOPS,
	REASON_SETTLING,
	REASON_ERROR,
	REASON_UNRESOLVED,
	REASON_NEW,
	REASON_AGAIN,
	REASON_LOCAL,
	REASON_HAIRPIN,
	REASON_UNSEEN,
	REASON_DEVICE,
	REASON_NEXTHOP,
	REASON_TAGS,
	REASON_SOURCE,
	REASON_PORT,
	REASON_ENCRYPTED,
	REASON_ENCAPSULATED,
	REASON_DECRYPTED,
	REASON_MAY_BE_DECRYPTED,
	N_REASONS,
};

/**
 * struct reason_info - a reason in words
 * @code:   for programs
 * @clause: for people
 * @remedy: what to do about it: a sentence
 */
struct reason_info {
	const char *code;
	const char *clause;
	const char *remedy;
};

/** reason_infos - by enum reason */
extern const struct reason_info reason_infos[N_REASONS];

#endif /* TURNPIKE_DATAPATH_REASON_H */

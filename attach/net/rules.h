/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's rules besides routes: what its netfilter and its IPsec policies do with packets is not
 * known here, only that it may have changed. Changes in quick succession are reported together.
 */
#ifndef TURNPIKE_ATTACH_NET_RULES_H
#define TURNPIKE_ATTACH_NET_RULES_H

#include <linux/types.h>
#include <stdbool.h>

#include <turnpike/turnpike.h>

#include "net/selector.h"

struct privileged;
struct rules;

/** Packets that a change may be about: a mask. */
enum rules_scope {
	RULES_OF_IPV4 = 1u << 0,
	RULES_OF_IPV6 = 1u << 1,
	RULES_OF_ALL = RULES_OF_IPV4 | RULES_OF_IPV6,
};

/**
 * struct rules_ops - what to do about changes
 * @changed:  packets of @scope may be treated differently; at once, then at most every 50 ms
 * @selected: those that @selector concerns may be; each time
 * @tunnels:  whether packets may have come out of IPsec tunnels (ipsec.h) has changed; at first it
 *            is false
 * @privileged: of the handle
 */
struct rules_ops {
	void (*changed)(enum rules_scope scope, void *arg);
	void (*selected)(const struct selector *selector, void *arg);
	void (*tunnels)(bool has_tunnels, void *arg);
	struct privileged *privileged;
	void *arg;
};

/**
 * rules_open() - start watching
 * @epoll: set to watch the sockets
 *
 * Return: 0, also if the kernel lacks some of them; a negative errno.
 */
int rules_open(const struct rules_ops *ops, int epoll, struct rules **ret);

/** rules_close() - stop; NULL is allowed. */
void rules_close(struct rules *rules);

/** rules_change() - report a change that was noticed elsewhere. */
void rules_change(struct rules *rules, enum rules_scope scope);

/** rules_poll() - report the changes that have arrived or are due. */
void rules_poll(struct rules *rules);

/**
 * rules_settle() - report all changes that have arrived, at once
 *
 * After changes of our own, so that their notifications do not come when flows exist.
 */
void rules_settle(struct rules *rules);

/** rules_due() - CLOCK_MONOTONIC, ns, when rules_poll() has to be called; 0: no time. */
__u64 rules_due(const struct rules *rules);

/** rules_unwatched() - get the kinds that are not watched, a mask of enum turnpike_rules. */
__u32 rules_unwatched(const struct rules *rules);

#endif /* TURNPIKE_ATTACH_NET_RULES_H */

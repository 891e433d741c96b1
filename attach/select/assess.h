/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The assessment of one candidate. Each check reports its finding; the worst outlook counts, with
 * all reasons for it, and with their remedies joined to one command.
 */
#ifndef TURNPIKE_ATTACH_SELECT_ASSESS_H
#define TURNPIKE_ATTACH_SELECT_ASSESS_H

#include <turnpike/probe.h>

struct select_policy;

/**
 * struct assessment - a candidate under assessment
 * @facts:  of the device
 * @policy: what the plan is for
 * @port:   the device to check: the device itself or one of its members
 * @ret:    the result so far; set mode, hook and moves, and zero the rest
 * @risky:  it is doubtful, and packets would be lost if the doubt proved right
 * @late:   it works, but any other mode in the kernel relays more
 */
struct assessment {
	const struct turnpike_facts *facts;
	const struct select_policy *policy;
	const struct turnpike_facts *port;
	struct turnpike_candidate *ret;
	bool risky;
	bool late;
};

/**
 * assess() - add a reason for an outlook
 *
 * Return: false if a worse outlook was found already, so the reason does not count.
 */
bool assess(struct assessment *assessment, enum turnpike_outlook outlook, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** assess_harm() - add a reason why the candidate would relay wrong packets; otherwise as assess()
 */
bool assess_harm(struct assessment *assessment, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** assess_remedy() - add the command that removes the reason which assess() has just accepted. */
void assess_remedy(struct assessment *assessment, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** assess_relative() - get the first relative of a kind, or NULL. */
const struct turnpike_facts *assess_relative(const struct turnpike_facts *facts,
					     enum turnpike_relation relation);

/** assess_is_own() - may the relay replace this program, as it is its own? */
bool assess_is_own(const struct assessment *assessment, const struct turnpike_program *program);

/** assess_is_below() - do the packets of the device come from this relative? */
bool assess_is_below(const struct turnpike_facts *relative);

/** assess_merging() - check in what way packets reach a program on sk_buffs: merged, or single */
void assess_merging(struct assessment *assessment);

/** assess_has_dispatcher() - does a dispatcher of libxdp hold the XDP hook? */
bool assess_has_dispatcher(const struct turnpike_facts *facts);

/** assess_owner() - check whether another program holds the XDP hook of the port. */
void assess_owner(struct assessment *assessment);

/** assess_native() - check native XDP on the device and its members. */
void assess_native(struct assessment *assessment);

/** assess_virtio() - check what the driver table cannot know about virtio_net. */
void assess_virtio(struct assessment *assessment);

#endif /* TURNPIKE_ATTACH_SELECT_ASSESS_H */

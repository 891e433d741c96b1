/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The assessment of one candidate in the making. Checks say what they find; the worst of it counts,
 * with all reasons of that weight, and their remedies as one command.
 */
#ifndef TURNPIKE_ATTACH_SELECT_ASSESS_H
#define TURNPIKE_ATTACH_SELECT_ASSESS_H

#include <turnpike/probe.h>

struct select_policy;

/**
 * struct assessment
 * @facts:  of the device
 * @policy: what is wanted
 * @port:   the device that is being checked: this one, or one of its members
 * @ret:    what has come out so far; begin with a way, and the rest zero
 * @risky:  a doubt would lose packets if it proved right
 */
struct assessment {
	const struct turnpike_facts *facts;
	const struct select_policy *policy;
	const struct turnpike_facts *port;
	struct turnpike_candidate *ret;
	bool risky;
};

/** assess() - a sentence for an outlook. Returns false if there are graver ones already. */
bool assess(struct assessment *assessment, enum turnpike_outlook outlook, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** assess_remedy() - a command against what assess() has just returned true for */
void assess_remedy(struct assessment *assessment, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** assess_relative() - the first relative of that kind, or NULL */
const struct turnpike_facts *assess_relative(const struct turnpike_facts *facts,
					     enum turnpike_relation relation);

/** assess_owner() - does another program hold the XDP hook of the port? */
void assess_owner(struct assessment *assessment);

/** assess_native() - everything about native XDP, on the device and its members */
void assess_native(struct assessment *assessment);

/** assess_virtio() - what of virtio_net the driver table cannot know */
void assess_virtio(struct assessment *assessment);

#endif /* TURNPIKE_ATTACH_SELECT_ASSESS_H */

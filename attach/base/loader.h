/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads programs. Each attached device gets its own instance, because its constants (device, slot)
 * are part of the program: what they rule out, the verifier removes.
 *
 * The only header that includes the generated skeleton.
 */
#ifndef TURNPIKE_ATTACH_BASE_LOADER_H
#define TURNPIKE_ATTACH_BASE_LOADER_H

#include <turnpike/turnpike.h>

#include "turnpike.skel.h"

struct maps;

/** A program, and what it is attached as. */
struct variant {
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	const char *program;
	__u32 skb; /* struct turnpike_config */
};

/** loader_variant() - the program for this mode and moves; NULL: there is none. */
const struct variant *loader_variant(enum turnpike_mode mode, enum turnpike_moves moves);

/** loader_trial - the program that tries how much room frames have, before the one that relays */
extern const struct variant loader_trial;

/** loader_only() - of all programs, load those of which @fn says so. */
int loader_only(struct turnpike_bpf *skeleton,
		bool (*fn)(const struct bpf_program *program, const void *arg), const void *arg);

/**
 * loader_load() - load a variant that uses @maps
 * @config: ifindex and slot are taken from here, the rest from the variant
 * @ret:    descriptor of the program, to be closed
 */
int loader_load(const struct maps *maps, const struct variant *variant,
		const struct turnpike_config *config, int *ret);

/** loader_verify() - see turnpike_verify(). */
int loader_verify(int (*fn)(const struct turnpike_variant *variant, void *arg), void *arg);

#endif /* TURNPIKE_ATTACH_BASE_LOADER_H */

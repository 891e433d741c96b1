/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Loads programs. Each attached device has an instance of its own: its constants (device, slot) are
 * part of the program, and the verifier removes the branches they rule out.
 *
 * No other header includes the generated skeleton.
 */
#ifndef TURNPIKE_ATTACH_BASE_LOADER_H
#define TURNPIKE_ATTACH_BASE_LOADER_H

#include <turnpike/turnpike.h>

#include "turnpike.skel.h"

struct maps;

/** struct variant - a program and how it is used; @skb: see struct turnpike_config */
struct variant {
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	const char *program;
	__u32 skb;
};

/** loader_variant() - the program for this mode and moves; NULL: none */
const struct variant *loader_variant(enum turnpike_mode mode, enum turnpike_moves moves);

/** loader_has_name() - is @name, of which the kernel keeps 15 characters, that of the program? */
bool loader_has_name(const struct variant *variant, const char *name);

/** loader_is_xdp() - is @name that of one of our XDP programs, the trial included? */
bool loader_is_xdp(const char *name);

/** loader_trial - the program try_room, which measures the room in frames before the relay runs */
extern const struct variant loader_trial;

/** loader_observer - the program observe_tc, which confirms flows */
extern const struct variant loader_observer;

/** loader_only() - let libbpf load only the programs for which @fn returns true */
int loader_only(struct turnpike_bpf *skeleton,
		bool (*fn)(const struct bpf_program *program, const void *arg), const void *arg);

/**
 * loader_prepare() - open a variant, with the maps of the handle, for somebody else to load
 * @ret: with this program only, to be destroyed; otherwise as loader_load()
 */
int loader_prepare(const struct maps *maps, const struct variant *variant,
		   const struct turnpike_config *config, struct turnpike_bpf **ret);

/**
 * loader_load() - load a variant, with the maps of the handle
 * @config: only ifindex and slot are used; the time between checks is that of @maps
 * @ret:    file descriptor of the program, to be closed
 *
 * Return: 0, or a negative errno of bpf(2).
 */
int loader_load(const struct maps *maps, const struct variant *variant,
		const struct turnpike_config *config, int *ret);

/** loader_verify() - see turnpike_verify() */
int loader_verify(int (*fn)(const struct turnpike_variant *variant, void *arg), void *arg);

#endif /* TURNPIKE_ATTACH_BASE_LOADER_H */

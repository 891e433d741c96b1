/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Creates the maps, where the privileges are.
 */
#ifndef TURNPIKE_ATTACH_BASE_MAP_MAKER_H
#define TURNPIKE_ATTACH_BASE_MAP_MAKER_H

#include "base/map_set.h"

/**
 * maps_make() - create the maps, and load the programs to call
 *
 * Return: 0, or a negative errno; nothing is left then.
 */
int maps_make(const struct map_options *options, struct maps *ret);

#endif /* TURNPIKE_ATTACH_BASE_MAP_MAKER_H */

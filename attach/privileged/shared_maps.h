/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps are made where operations run, and shared with whoever asks for them.
 */
#ifndef TURNPIKE_ATTACH_PRIVILEGED_SHARED_MAPS_H
#define TURNPIKE_ATTACH_PRIVILEGED_SHARED_MAPS_H

#include "base/map_set.h"
#include "privileged/privileged.h"

/** Elements of a map, at most: the kernel refuses larger hash maps of this element size. */
#define SHARED_MAPS_MAX (1u << 24)

/**
 * shared_maps_open() - let the maps be made, and get them; once for each handle
 * @ret: untouched after an error. To be closed with maps_close()
 *
 * Return: 0, or a negative errno: -E2BIG: more than SHARED_MAPS_MAX elements; others of bpf(2).
 */
int shared_maps_open(struct privileged *privileged, const struct map_options *options,
		     struct maps *ret);

/** shared_maps_end() - where operations run: close the maps that were made */
void shared_maps_end(struct privileged *privileged);

extern const struct operation maps_operation_make, maps_operation_share;

#endif /* TURNPIKE_ATTACH_PRIVILEGED_SHARED_MAPS_H */

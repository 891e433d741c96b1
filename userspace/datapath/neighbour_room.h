/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file neighbour_room.h
 * The size of the kernel's table of neighbours.
 */
#ifndef TURNPIKE_DATAPATH_NEIGHBOUR_ROOM_H
#define TURNPIKE_DATAPATH_NEIGHBOUR_ROOM_H

#include <stdint.h>
#include <turnpike/addr.h>

/**
 * neighbour_room() - how many neighbours of a family the kernel keeps (gc_thresh3)
 *
 * All network namespaces share the table. Only the first one shows its size: in others it is taken
 * to be the kernel's default.
 */
uint32_t neighbour_room(enum turnpike_family family);

#endif /* TURNPIKE_DATAPATH_NEIGHBOUR_ROOM_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>

#include "datapath/neighbour_room.h"

/** net/ipv4/arp.c and net/ipv6/ndisc.c of Linux */
#define DEFAULT_ROOM 1024

uint32_t neighbour_room(enum turnpike_family family)
{
	FILE *file = fopen(family == TURNPIKE_IPV4 ? "/proc/sys/net/ipv4/neigh/default/gc_thresh3"
						   : "/proc/sys/net/ipv6/neigh/default/gc_thresh3",
			   "re");
	uint32_t room = DEFAULT_ROOM;

	if (!file)
		return room;
	if (fscanf(file, "%" SCNu32, &room) != 1)
		room = DEFAULT_ROOM;
	fclose(file);
	return room;
}

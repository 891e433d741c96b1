/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots: a pair of device and mode each. Programs index counters and devices by slot.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_SLOT_H
#define TURNPIKE_ATTACH_HOOKS_SLOT_H

#include <turnpike/turnpike.h>

struct link_facts;
struct maps;

/** struct slot - it outlives the attachment, and so do its counters */
struct slot {
	char dev[TURNPIKE_IFNAMSIZ];
	enum turnpike_mode mode;
};

struct slots {
	struct slot all[TURNPIKE_SLOTS]; /* the first @n are in use */
	__u32 n;
};

/** slot_find() - find or allocate the slot of a device and mode. Return: 0, or -ENOSPC. */
int slot_find(struct slots *slots, const char *ifname, enum turnpike_mode mode, __u32 *ret);

/** slot_set_link() - give the programs the device's MAC address and MTU */
void slot_set_link(const struct maps *maps, __u32 slot, const struct link_facts *link);

#endif /* TURNPIKE_ATTACH_HOOKS_SLOT_H */

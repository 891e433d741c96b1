/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Slots: a pair of device and mode each, under which a program counts and looks up.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_SLOT_H
#define TURNPIKE_ATTACH_HOOKS_SLOT_H

#include <turnpike/turnpike.h>

struct link_facts;
struct maps;

/** Counters are kept by device and mode, and outlive the attachment. */
struct slot {
	char dev[TURNPIKE_IFNAMSIZ];
	enum turnpike_mode mode;
};

struct slots {
	struct slot all[TURNPIKE_SLOTS]; /* in use: the first n */
	__u32 n;
};

/** slot_find() - the slot for a device in a mode, a new one if need be; -ENOSPC. */
int slot_find(struct slots *slots, const char *ifname, enum turnpike_mode mode, __u32 *ret);

/** slot_set_link() - tell packets which MAC address and MTU are the device's */
void slot_set_link(const struct maps *maps, __u32 slot, const struct link_facts *link);

#endif /* TURNPIKE_ATTACH_HOOKS_SLOT_H */

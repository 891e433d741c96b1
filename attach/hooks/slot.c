/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/slot.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/map_set.h"
#include "net/link.h"

int slot_find(struct slots *slots, const char *ifname, enum turnpike_mode mode, __u32 *ret)
{
	struct slot *slot;
	__u32 i;

	for (i = 0; i < slots->n; i++) {
		slot = &slots->all[i];
		if (slot->mode == mode && strcmp(slot->dev, ifname) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (i == TURNPIKE_SLOTS)
		return -ENOSPC;
	slot = &slots->all[slots->n++];
	slot->mode = mode;
	strcpy(slot->dev, ifname);
	*ret = i;
	return 0;
}

void slot_set_link(const struct maps *maps, __u32 slot, const struct link_facts *link)
{
	struct turnpike_device *device = &maps->devices[slot];

	memcpy(device->mac, link->mac, sizeof(device->mac));
	device->mtu = (__u16)(link->mtu < UINT16_MAX ? link->mtu : UINT16_MAX);
}

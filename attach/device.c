/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "device.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "attachment.h"
#include "maps.h"

struct device {
	char name[IFNAMSIZ];
	struct link_facts link;
	struct attachment attachment;
	char why[sizeof(((struct turnpike_status *)NULL)->why)];
	struct device *next;
};

static struct device *find(const struct devices *devices, const char *ifname)
{
	struct device *device;

	LL_FOREACH (devices->all, device)
		if (strcmp(device->name, ifname) == 0)
			return device;
	return NULL;
}

static int get_slot(struct devices *devices, const char *ifname, enum turnpike_mode mode,
		    __u32 *ret)
{
	struct slot *slot;
	__u32 i;

	for (i = 0; i < devices->n_slots; i++) {
		slot = &devices->slots[i];
		if (slot->mode == mode && strcmp(slot->dev, ifname) == 0) {
			*ret = i;
			return 0;
		}
	}
	if (i == TURNPIKE_SLOTS)
		return -ENOSPC;
	slot = &devices->slots[devices->n_slots++];
	slot->mode = mode;
	strcpy(slot->dev, ifname);
	*ret = i;
	return 0;
}

static void set_mac(const struct maps *maps, const struct device *device, __u32 slot)
{
	memcpy(maps->devices[slot].mac, device->link.mac, sizeof(device->link.mac));
}

/* Has the point do the device's work from now on. */
static int take_point(struct devices *devices, const struct maps *maps,
		      const struct attach_point *point, enum turnpike_moves moves,
		      struct device *device)
{
	struct attachment next;
	__u32 slot = 0;
	int err;

	if (point->ops && device->link.arptype != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	if (device->attachment.point == point && device->attachment.moves == moves)
		return 0;
	if (point->ops)
		err = get_slot(devices, device->name, point->mode, &slot);
	else
		err = 0;
	if (err)
		return err;
	set_mac(maps, device, slot);
	err = attachment_load(maps, point, moves, device->link.ifindex, slot, &next);
	if (err)
		return err;
	err = attachment_exchange(&device->attachment, &next);
	if (err)
		attachment_close(&next);
	return err;
}

/* TC has one way, and in user space nothing moves: the wish is for XDP. */
static enum turnpike_moves moves_at(const struct attach_point *point, enum turnpike_moves wish)
{
	if (!point->ops)
		return TURNPIKE_MOVES_AUTO;
	if (point->mode == TURNPIKE_MODE_TC || wish == TURNPIKE_MOVES_AUTO)
		return TURNPIKE_MOVES_HEAD;
	return wish;
}

/* Down the list to the first point that works; @why tells of those before it. */
static int take_first(struct devices *devices, const struct maps *maps,
		      const struct turnpike_attach_opts *opts, struct device *device,
		      struct text *why)
{
	const struct attach_point *point;
	int first_error = 0, err;

	for (point = attach_points; point < attach_points + n_attach_points; point++) {
		if (!point_wanted(point, opts->mode, opts->hook))
			continue;
		err = take_point(devices, maps, point, moves_at(point, opts->moves), device);
		if (!err) {
			snprintf(device->why, sizeof(device->why), "%s",
				 opts->mode != TURNPIKE_MODE_AUTO ? "asked for"
				 : why->buffer[0]                 ? why->buffer
								  : "the first choice");
			return 0;
		}
		point_explain(point, device->link.ifindex, err, why);
		if (!first_error)
			first_error = err;
	}
	return first_error ? first_error : -EINVAL;
}

int device_attach(struct devices *devices, const struct maps *maps, struct nl_sock *sock,
		  const char *ifname, const struct turnpike_attach_opts *opts, struct text *why)
{
	struct device *device;
	int err;

	if (find(devices, ifname)) {
		text_append(why, "it is attached already");
		return -EALREADY;
	}
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->attachment = ATTACHMENT_NONE;
	err = netlink_link(sock, 0, ifname, &device->link);
	if (err) {
		text_append(why, "there is no such device, see 'ip link'");
	} else {
		strcpy(device->name, ifname);
		err = take_first(devices, maps, opts, device, why);
	}
	if (err) {
		free(device);
		return err;
	}
	LL_APPEND(devices->all, device);
	return 0;
}

int device_switch(struct devices *devices, const struct maps *maps, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why)
{
	struct device *device = find(devices, ifname);

	if (!device) {
		text_append(why, "it is not attached");
		return -ENODEV;
	}
	return take_first(devices, maps, opts, device, why);
}

static void detach(struct devices *devices, struct device *device)
{
	attachment_close(&device->attachment);
	LL_DELETE(devices->all, device);
	free(device);
}

int device_detach(struct devices *devices, const char *ifname)
{
	struct device *device = find(devices, ifname);

	if (!device)
		return -ENODEV;
	detach(devices, device);
	return 0;
}

void devices_detach_all(struct devices *devices)
{
	struct device *device, *tmp;

	LL_FOREACH_SAFE(devices->all, device, tmp)
	detach(devices, device);
}

void devices_update(struct devices *devices, const struct maps *maps, struct nl_sock *sock)
{
	struct device *device;

	LL_FOREACH (devices->all, device) {
		/* A device that is gone is down, and nothing is sent out by it. */
		if (netlink_link(sock, (int)device->link.ifindex, "", &device->link))
			device->link.up = false;
		else if (device->attachment.prog_fd >= 0)
			set_mac(maps, device, device->attachment.slot);
	}
}

bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret)
{
	const struct device *device;

	LL_FOREACH (devices->all, device) {
		if (device->link.ifindex != ifindex)
			continue;
		if (device->attachment.prog_fd < 0 || !device->link.up)
			return false;
		memcpy(ret->mac, device->link.mac, sizeof(ret->mac));
		ret->mtu = device->link.mtu;
		/* A driver that runs XDP takes redirected frames, with few exceptions. */
		ret->flags = device->attachment.point->mode == TURNPIKE_MODE_XDP_NATIVE
				     ? TURNPIKE_HOP_XDP_XMIT
				     : 0;
		return true;
	}
	return false;
}

/* Without an attachment, as after a change that failed halfway, user space does the work. */
static struct turnpike_status status_of(const struct device *device)
{
	const struct attachment *attachment = &device->attachment;
	const bool attached = attachment->point != NULL;
	struct turnpike_status status = {
		.ifindex = device->link.ifindex,
		.mode = attached ? attachment->point->mode : TURNPIKE_MODE_USERSPACE,
		.moves = attachment->moves,
		.hook = attached ? attachment->point->hook : TURNPIKE_HOOK_NONE,
		.prog_id = attachment->prog_id,
	};

	memcpy(status.dev, device->name, sizeof(status.dev));
	memcpy(status.why, device->why, sizeof(status.why));
	return status;
}

int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	const struct device *device;
	struct turnpike_status status;
	int err;

	LL_FOREACH (devices->all, device) {
		status = status_of(device);
		err = fn(&status, arg);
		if (err)
			return err;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "device.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "loader.h"
#include "maps.h"
#include "point.h"

struct device {
	struct turnpike_status status;
	const struct attach_point *point;
	struct hook_state state;
	struct link_facts link;
	__u32 slot;
	struct device *next;
};

static struct device *find(const struct devices *devices, const char *ifname)
{
	struct device *device;

	LL_FOREACH (devices->all, device)
		if (strcmp(device->status.dev, ifname) == 0)
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

static void set_mac(const struct maps *maps, const struct device *device)
{
	memcpy(maps->devices[device->slot].mac, device->link.mac, sizeof(device->link.mac));
}

/* Loads and attaches the point's program; the device then carries its slot, program and state. */
static int attach_program(struct devices *devices, const struct maps *maps,
			  const struct attach_point *point, struct device *device)
{
	struct turnpike_status *status = &device->status;
	struct turnpike_config config = { .ifindex = status->ifindex };
	int err, fd;

	err = get_slot(devices, status->dev, point->mode, &config.slot);
	if (err)
		return err;
	device->slot = config.slot;
	set_mac(maps, device);
	err = loader_load(maps, loader_variant(point->mode, status->moves), &config, &fd);
	if (err)
		return err;
	err = point_attach(point, status->ifindex, fd, &device->state, &status->prog_id);
	close(fd);
	return err;
}

/* Can this point serve these moves on this device at all? Asked before anything is loaded. */
static int check_device(const struct attach_point *point, const struct device *device)
{
	if (!point->ops)
		return 0;
	if (device->link.arptype != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	return loader_variant(point->mode, device->status.moves) ? 0 : -EINVAL;
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
static int attach_first(struct devices *devices, const struct maps *maps,
			const struct turnpike_attach_opts *opts, struct device *device,
			struct text *why)
{
	const struct attach_point *point;
	int first_error = 0, err;

	for (point = attach_points; point < attach_points + n_attach_points; point++) {
		if (!point_wanted(point, opts->mode, opts->hook))
			continue;
		device->status.moves = moves_at(point, opts->moves);
		err = check_device(point, device);
		if (!err && point->ops)
			err = attach_program(devices, maps, point, device);
		if (!err) {
			device->point = point;
			device->status.mode = point->mode;
			device->status.hook = point->hook;
			return 0;
		}
		point_explain(point, device->status.ifindex, err, why);
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
	device->state = HOOK_STATE_NONE;
	err = netlink_link(sock, 0, ifname, &device->link);
	if (err) {
		text_append(why, "there is no such device, see 'ip link'");
	} else {
		device->status.ifindex = device->link.ifindex;
		strcpy(device->status.dev, ifname);
		err = attach_first(devices, maps, opts, device, why);
	}
	if (err) {
		free(device);
		return err;
	}
	snprintf(device->status.why, sizeof(device->status.why), "%s",
		 opts->mode != TURNPIKE_MODE_AUTO ? "asked for"
		 : why->buffer[0]                 ? why->buffer
						  : "the first choice");
	LL_APPEND(devices->all, device);
	return 0;
}

static void detach(struct devices *devices, struct device *device)
{
	if (device->point->ops)
		device->point->ops->detach(&device->state);
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
		if (netlink_link(sock, (int)device->status.ifindex, "", &device->link))
			device->link.up = false;
		else if (device->point->ops)
			set_mac(maps, device);
	}
}

bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret)
{
	const struct device *device;

	LL_FOREACH (devices->all, device) {
		if (device->status.ifindex != ifindex)
			continue;
		if (!device->point->ops || !device->link.up)
			return false;
		memcpy(ret->mac, device->link.mac, sizeof(ret->mac));
		ret->mtu = device->link.mtu;
		/* A driver that runs XDP takes redirected frames, with few exceptions. */
		ret->flags =
			device->status.mode == TURNPIKE_MODE_XDP_NATIVE ? TURNPIKE_HOP_XDP_XMIT : 0;
		return true;
	}
	return false;
}

int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	const struct device *device;
	int err;

	LL_FOREACH (devices->all, device) {
		err = fn(&device->status, arg);
		if (err)
			return err;
	}
	return 0;
}

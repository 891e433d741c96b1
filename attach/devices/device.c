/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/monotonic.h"
#include "hooks/hook.h"

static struct device *find(const struct devices *devices, const char *ifname)
{
	struct device *device;

	LL_FOREACH(devices->all, device)
		if (strcmp(device->name, ifname) == 0)
			return device;
	return NULL;
}

/* With a second device packets are redirected, which not every candidate can do. */
static void choose_again(struct devices *devices, struct device *device)
{
	char reasons[256] = "";
	struct text why = { reasons, sizeof(reasons) };

	device_choose(devices, device, &why);
}

int device_attach(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why)
{
	struct device *device;
	int err;

	if (find(devices, ifname)) {
		text_append(why, "it is already attached");
		return -EALREADY;
	}
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->attachment = ATTACHMENT_NONE;
	device->observer = ATTACHMENT_NONE;
	device->requested = *opts;
	err = netlink_link(devices->sock, 0, ifname, &device->link);
	if (err) {
		text_append(why, "no such device, choose one that 'ip link' lists");
	} else {
		strcpy(device->name, ifname);
		attachments_sweep(devices->privileged, device->link.ifindex);
		err = device_choose(devices, device, why);
	}
	if (err) {
		attachment_close(devices->privileged, &device->observer);
		free(device);
		return err;
	}
	LL_APPEND(devices->all, device);
	if (devices->all->next && !devices->all->next->next)
		choose_again(devices, devices->all);
	return 0;
}

int device_switch(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why)
{
	struct device *device = find(devices, ifname);
	struct turnpike_attach_opts before;
	int err;

	if (!device) {
		text_append(why, "the device is not attached");
		return -ENODEV;
	}
	before = device->requested;
	device->requested = *opts;
	/* The caller wants it tried now. */
	device_reset_backoff(device);
	err = device_choose(devices, device, why);
	if (err)
		device->requested = before;
	return err;
}

static void detach(struct devices *devices, struct device *device)
{
	attachment_close(devices->privileged, &device->attachment);
	attachment_close(devices->privileged, &device->observer);
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
	if (devices->watch >= 0)
		close(devices->watch);
	devices->watch = -1;
}

static const struct device *find_index(const struct devices *devices, __u32 ifindex)
{
	const struct device *device;

	LL_FOREACH(devices->all, device)
		if (device->link.ifindex == ifindex && !device->gone)
			return device;
	return NULL;
}

static bool egress_of(const struct device *device, struct egress *ret)
{
	if (!device->attachment.number || !device->link.up)
		return false;
	ret->ifindex = device->link.ifindex;
	ret->mtu = device->link.mtu;
	memcpy(ret->mac, device->link.mac, sizeof(ret->mac));
	/* Many drivers take redirected frames only while they run a program themselves. */
	if (device->attachment.point->mode == TURNPIKE_MODE_XDP_NATIVE && !device->no_xmit &&
	    !backoff_blocks(&device->xmit, clock_ns()))
		ret->flags = TURNPIKE_HOP_XDP_XMIT;
	return true;
}

bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret)
{
	const struct device *device = find_index(devices, ifindex);
	struct link_facts vlan;

	if (device)
		return egress_of(device, ret);
	if (netlink_link(devices->sock, (int)ifindex, "", &vlan) || !vlan.tag.tpid || !vlan.up ||
	    vlan.link_netns != NETNS_OURS)
		return false;
	/* The tags of lower VLANs are further out, and were appended by this call. */
	if (!device_egress(devices, vlan.link, ret) || ret->tags == TURNPIKE_TAGS_MAX)
		return false;
	ret->tag[ret->tags++] = vlan.tag;
	ret->mtu = vlan.mtu;
	memcpy(ret->mac, vlan.mac, sizeof(ret->mac));
	return true;
}

bool device_is_attached(const struct devices *devices, __u32 ifindex, const char *name)
{
	const struct device *device;

	if (find_index(devices, ifindex))
		return true;
	LL_FOREACH(devices->all, device)
		if (device->gone && strcmp(device->name, name) == 0)
			return true;
	return false;
}

static struct health_sample traffic_of(const struct device *device)
{
	const struct health_sample *now = &device->sample, *first = &device->first;

	if (!device->sampled)
		return (struct health_sample){ 0 };
	return (struct health_sample){ .met = now->met - first->met,
				       .relayed = now->relayed - first->relayed,
				       .wrong_end = now->wrong_end - first->wrong_end };
}

static void describe_proof(const struct device *device, struct text *text)
{
	const struct health_sample traffic = traffic_of(device);

	if (!device->attachment.point || !point_is_xdp(device->attachment.point))
		return;
	proof_describe(&device->proof, &traffic, text);
	if (device->unwatched)
		text_append(text,
			    "; not watched: frames lost by the driver, as the kernel does not "
			    "report them (%s; it needs BTF)",
			    strerror(-device->unwatched));
	else
		text_append(text, "; watched: frames lost by the driver");
}

/* Without an attachment, as after the device has disappeared, user space relays. */
struct turnpike_status device_status(const struct device *device)
{
	const struct attachment *attachment = &device->attachment;
	const bool attached = attachment->point != NULL;
	struct turnpike_status status = {
		.ifindex = device->link.ifindex,
		.mode = attached ? attachment->point->mode : TURNPIKE_MODE_USERSPACE,
		.moves = attachment->moves,
		.hook = attached ? attachment->point->hook : TURNPIKE_HOOK_NONE,
		.prog_id = attachment->prog_id,
		.changes = device->changes,
	};
	struct text proof = { status.proof, sizeof(status.proof) };

	memcpy(status.dev, device->name, sizeof(status.dev));
	memcpy(status.why, device->why, sizeof(status.why));
	describe_proof(device, &proof);
	return status;
}

int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg)
{
	const struct device *device;
	struct turnpike_status status;
	int err;

	LL_FOREACH(devices->all, device) {
		status = device_status(device);
		err = fn(&status, arg);
		if (err)
			return err;
	}
	return 0;
}

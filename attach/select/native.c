/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Native XDP on a device: does its driver have it, and are the driver's conditions met?
 */
#include <stdio.h>

#include "private/array_len.h"
#include "select/assess.h"
#include "select/drivers.h"
#include "select/select.h"

/* bpf_xdp_adjust_head() of net/core/filter.c reserves this much in front of a frame,
 * sizeof(struct xdp_frame) since 5.18. With less, even shrinking fails. */
#define HEAD_KEPT 40

/* Growth of a frame: a channel header, and IPv4 that becomes IPv6. */
#define GROWTH_MAX 24

/* Packets are lost if the doubt proves right. */
static void mark_risky(struct assessment *assessment)
{
	if (assessment->ret->outlook == TURNPIKE_DOUBTFUL)
		assessment->risky = true;
}

static const char *driver_name(const struct turnpike_facts *port)
{
	return port->kind[0] ? port->kind : port->driver[0] ? port->driver : "(unnamed)";
}

static bool reports_xdp(const struct turnpike_facts *port)
{
	return port->xdp_known && (port->xdp_features & TURNPIKE_XDP_BASIC);
}

/* The table has no row for the driver on this kernel. @since: the first one in it; 0: none. */
static void check_unknown(struct assessment *a, __u32 since)
{
	const char *name = driver_name(a->port);

	if (reports_xdp(a->port))
		assess(a, TURNPIKE_DOUBTFUL,
		       "driver %s reports native XDP, but nothing more is known about it on this kernel",
		       name);
	else if (since)
		assess(a, TURNPIKE_REJECTED, "driver %s has native XDP only since Linux %u.%u",
		       name, since >> 16, since & 0xffff);
	else if (a->port->xdp_known)
		assess(a, TURNPIKE_REJECTED, "driver %s has no native XDP", name);
	else
		assess(a, TURNPIKE_DOUBTFUL, "nothing is known about driver %s", name);
	mark_risky(a);
}

static void check_features(struct assessment *a, const struct driver *driver)
{
	const struct turnpike_facts *port = a->port;
	const bool redirects = !(driver->flags & DRIVER_NO_REDIRECT) &&
			       (!port->xdp_known || (port->xdp_features & TURNPIKE_XDP_REDIRECT));

	if (port->xdp_known && !reports_xdp(port)) {
		assess(a, TURNPIKE_REJECTED,
		       "the driver offers no XDP as the device is configured%s%s",
		       driver->no_xdp ? ": it has none " : "",
		       driver->no_xdp ? driver->no_xdp : "");
		return;
	}
	if (driver->flags & DRIVER_IGNORES_MOVES)
		assess(a, TURNPIKE_REJECTED,
		       "the driver sends frames as received, and ignores that a program moved them");
	if (driver->flags & DRIVER_SAYS_REDIRECT && !redirects)
		assess(a, TURNPIKE_REJECTED, "the driver cannot send from XDP");
	else if (!redirects)
		assess(a, a->policy->redirects ? TURNPIKE_REJECTED : TURNPIKE_USABLE,
		       "it can send on this device only, and cannot redirect to others");
	if (driver->run_doubt)
		assess(a, TURNPIKE_DOUBTFUL, "%s", driver->run_doubt);
}

static void check_mtu(struct assessment *a, const struct driver *driver)
{
	const struct turnpike_facts *port = a->port;

	if (driver->flags & DRIVER_VETH)
		port = assess_relative(port, TURNPIKE_RELATION_PEER);
	if (!port || !driver->max_mtu || port->mtu <= driver->max_mtu)
		return;
	if (assess(a, TURNPIKE_REJECTED, "the MTU%s is %u, but native XDP allows at most %u",
		   port == a->port ? "" : " of the peer", port->mtu, driver->max_mtu))
		assess_remedy(a, "ip link set dev %s mtu %u", port->dev, driver->max_mtu);
}

static void check_offload(struct assessment *a, __u32 state, const char *name, const char *option)
{
	if (!(state & TURNPIKE_ON))
		return;
	if (assess(a, TURNPIKE_REJECTED, "%s is on", name) && !(state & TURNPIKE_FIXED))
		assess_remedy(a, "ethtool -K %s %s off", a->port->dev, option);
}

static void check_offloads(struct assessment *a, const struct driver *driver)
{
	if (driver->flags & DRIVER_REFUSES_LRO)
		check_offload(a, a->port->lro, "LRO", "lro");
	if (driver->flags & DRIVER_REFUSES_GRO_HW)
		check_offload(a, a->port->gro_hw, "GRO-HW", "rx-gro-hw");
}

static void check_half(struct assessment *a)
{
	const struct turnpike_queues *queues = &a->port->queues;

	if (2 * queues->combined <= queues->max_combined)
		return;
	if (!assess(a, TURNPIKE_REJECTED,
		    "%u of %u queues are in use, but native XDP needs as many free ones",
		    queues->combined, queues->max_combined))
		return;
	if (queues->max_combined > 1)
		assess_remedy(a, "ethtool -L %s combined %u", a->port->dev,
			      queues->max_combined / 2);
}

static void check_half_rx_is_tx(struct assessment *a)
{
	const struct turnpike_queues *queues = &a->port->queues;
	const __u32 most = queues->max_rx < queues->max_tx ? queues->max_rx : queues->max_tx;

	if (queues->rx == queues->tx && 2 * queues->tx <= most)
		return;
	if (!assess(a, TURNPIKE_REJECTED,
		    "%u receive and %u transmit queues of %u are in use, but native XDP needs equal "
		    "numbers, and half of them free",
		    queues->rx, queues->tx, most))
		return;
	if (most > 1)
		assess_remedy(a, "ethtool -L %s rx %u tx %u", a->port->dev, most / 2, most / 2);
}

static void check_combined(struct assessment *a)
{
	const struct turnpike_queues *queues = &a->port->queues;
	const __u32 most = queues->rx > queues->tx ? queues->rx : queues->tx;

	if (!most)
		return;
	if (assess(a, TURNPIKE_REJECTED, "native XDP needs combined channels"))
		assess_remedy(a, "ethtool -L %s rx 0 tx 0 combined %u", a->port->dev, most);
}

static void check_queues(struct assessment *a, const struct driver *driver)
{
	switch (driver->queues) {
	case QUEUES_ANY:
		return;
	case QUEUES_HALF:
		check_half(a);
		return;
	case QUEUES_HALF_RX_IS_TX:
		check_half_rx_is_tx(a);
		return;
	case QUEUES_COMBINED:
		check_combined(a);
		return;
	}
}

static bool has_native(const struct turnpike_facts *facts)
{
	__u32 i;

	for (i = 0; i < facts->n_programs; i++)
		if (facts->programs[i].mode == TURNPIKE_MODE_XDP_NATIVE)
			return true;
	return false;
}

/*
 * The peer receives frames from XDP_TX only if it has a program, too: veth_xdp_flush() of veth.c.
 * The kernel counts them as sent in any case.
 */
static void check_veth(struct assessment *a, const struct driver *driver)
{
	const struct turnpike_facts *peer = assess_relative(a->port, TURNPIKE_RELATION_PEER);
	const struct turnpike_queues *queues = &a->port->queues;

	if (!(driver->flags & DRIVER_VETH))
		return;
	if (a->port->xdp_known && !reports_xdp(a->port) && queues->max_rx > queues->rx)
		assess_remedy(a, "ethtool -L %s rx %u", a->port->dev, queues->max_rx);
	if (!peer || !peer->dev[0]) {
		if (assess(a, TURNPIKE_DOUBTFUL,
			   "frames are lost unless the peer has an XDP program as well, which cannot "
			   "be seen from this namespace") &&
		    peer)
			assess_remedy(a, "turnpike pass dev if%u", peer->ifindex);
		mark_risky(a);
	} else if (!has_native(peer) &&
		   assess(a, TURNPIKE_REJECTED,
			  "the peer, %s%s, has no XDP program, so frames sent to it are lost",
			  peer->dev, peer->elsewhere ? " in another namespace" : "")) {
		assess_remedy(a, "turnpike pass dev %s", peer->dev);
	}
}

static void check_virtio(struct assessment *a, const struct driver *driver)
{
	if (driver->flags & DRIVER_VIRTIO)
		assess_virtio(a);
}

static void check_head(struct assessment *a, const struct driver *driver)
{
	if (driver->flags & DRIVER_LEGACY_RX && a->port->legacy_rx & TURNPIKE_ON) {
		if (assess(a, TURNPIKE_REJECTED, "private flag legacy-rx leaves no headroom"))
			assess_remedy(a, "ethtool --set-priv-flags %s legacy-rx off", a->port->dev);
	} else if (driver->head_doubt) {
		assess(a, TURNPIKE_DOUBTFUL, "%s", driver->head_doubt);
	} else if (driver->headroom == ROOM_UNKNOWN) {
		assess(a, TURNPIKE_DOUBTFUL, "the headroom is unknown");
	} else if (driver->headroom < HEAD_KEPT + GROWTH_MAX) {
		assess(a, TURNPIKE_REJECTED,
		       "%d bytes of headroom are too few, since the kernel reserves %d",
		       driver->headroom, HEAD_KEPT);
	} else {
		assess(a, TURNPIKE_USABLE, "%d bytes of headroom", driver->headroom);
	}
}

static void check_tail(struct assessment *a, const struct driver *driver)
{
	if (driver->tail_doubt)
		assess(a, TURNPIKE_DOUBTFUL, "%s", driver->tail_doubt);
	else if (driver->tailroom == ROOM_UNKNOWN)
		assess(a, TURNPIKE_DOUBTFUL, "the tailroom is unknown");
	else if (driver->tailroom < GROWTH_MAX)
		assess(a, TURNPIKE_DOUBTFUL,
		       "%d bytes behind a full frame are too few for IPv6 and a channel header",
		       driver->tailroom);
	else
		assess(a, TURNPIKE_USABLE, "%d bytes behind a full frame", driver->tailroom);
}

static void check_room(struct assessment *a, const struct driver *driver)
{
	if (a->ret->moves == TURNPIKE_MOVES_TAIL)
		check_tail(a, driver);
	else
		check_head(a, driver);
}

static void check_disturbance(struct assessment *a, const struct driver *driver)
{
	if (driver->disturbs)
		assess(a, TURNPIKE_USABLE, "on attach, %s", driver->disturbs);
}

static void (*const checks[])(struct assessment *a, const struct driver *driver) = {
	check_features, check_mtu,    check_offloads, check_queues,
	check_veth,     check_virtio, check_room,     check_disturbance,
};

/* Find the row for a device; virtual devices are listed by kind. */
static const struct driver *find_driver(const struct turnpike_facts *port, __u32 *since)
{
	const char *name = port->kind[0] ? port->kind : port->driver;
	const struct driver *driver = driver_find(name, port->kernel, since);

	if (driver && driver->flags & DRIVER_NO_NATIVE && reports_xdp(port))
		return NULL; /* the driver is newer than the table */
	return driver;
}

static const struct driver *check_port(struct assessment *a)
{
	__u32 since;
	const struct driver *driver = find_driver(a->port, &since);
	size_t i;

	assess_owner(a);
	if (!driver) {
		check_unknown(a, since);
	} else if (driver->flags & DRIVER_NO_NATIVE) {
		assess(a, TURNPIKE_REJECTED, "driver %s has no native XDP", driver_name(a->port));
	} else {
		for (i = 0; i < ARRAY_LEN(checks); i++)
			checks[i](a, driver);
	}
	return driver;
}

void assess_native(struct assessment *a)
{
	const struct driver *driver = check_port(a), *member;

	if (!driver || !(driver->flags & DRIVER_OF_MEMBERS))
		return;
	for (a->port = a->facts->related; a->port; a->port = a->port->next) {
		if (a->port->relation != TURNPIKE_RELATION_MEMBER)
			continue;
		member = check_port(a);
		if (driver->flags & DRIVER_MEMBERS_XMIT && member && member->flags & DRIVER_NO_XMIT)
			assess(a, TURNPIKE_REJECTED,
			       "its driver does not accept redirected frames");
	}
	a->port = a->facts;
}

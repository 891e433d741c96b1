/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * virtio_net, whose buffers and offloads are a matter of what it and the host have agreed on.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "select/assess.h"
#include "base/compat.h"

/* Buffers of virtio_net without VIRTIO_NET_F_MRG_RXBUF have less behind a frame of 1514 than the
 * kernel believes: receive_small_xdp(). */
#define VIRTIO_SMALL_TAIL 10
#define VIRTIO_SMALL_MTU  1500

#define VIRTIO_BIT(feature) (1ull << (feature))

/* The host may send super-packets of these kinds. */
#define GUEST_GSO                                                                    \
	(VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_UFO))
#define GUEST_USO \
	(VIRTIO_BIT(COMPAT_VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(COMPAT_VIRTIO_NET_F_GUEST_USO6))

/* Of virtio_net. It takes a program for big ones, too, and never runs it. */
enum buffers {
	BUFFERS_UNKNOWN,
	BUFFERS_MERGEABLE,
	BUFFERS_SMALL,
	BUFFERS_BIG,
	BUFFERS_SMALL_OR_BIG,
};

/* virtnet_set_big_packets(): super-packets need big ones. USO came with 6.2, and counts as a pair.
 */
static enum buffers known_buffers(const struct turnpike_facts *port)
{
	const __u64 features = port->virtio_features;

	if (features & VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF))
		return BUFFERS_MERGEABLE;
	if (features & GUEST_GSO || (features & GUEST_USO) == GUEST_USO ||
	    port->mtu > VIRTIO_SMALL_MTU)
		return BUFFERS_BIG;
	return BUFFERS_SMALL;
}

/*
 * Without the features: mergeable ones show as XDP with fragments, and super-packets as GRO-HW;
 * that it can be changed shows VIRTIO_NET_F_CTRL_GUEST_OFFLOADS.
 */
static enum buffers guess_buffers(const struct turnpike_facts *port)
{
	if (!port->xdp_known)
		return BUFFERS_UNKNOWN;
	if (port->xdp_features & TURNPIKE_XDP_FRAGS)
		return BUFFERS_MERGEABLE;
	if (port->gro_hw & TURNPIKE_ON || port->mtu > VIRTIO_SMALL_MTU)
		return BUFFERS_BIG;
	return port->gro_hw & TURNPIKE_FIXED ? BUFFERS_SMALL : BUFFERS_SMALL_OR_BIG;
}

/* virtnet_xdp_set() switches the host's offloads off, if it may. */
static bool offloads_stay(const struct turnpike_facts *port)
{
	if (!port->virtio_known)
		return port->gro_hw & TURNPIKE_FIXED &&
		       (port->gro_hw | port->rx_csum) & TURNPIKE_ON;
	return !(port->virtio_features & VIRTIO_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)) &&
	       port->virtio_features &
		       (GUEST_GSO | GUEST_USO | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM));
}

/* Legacy devices want the header of a packet in a buffer of its own. */
static bool header_is_apart(const struct turnpike_facts *port)
{
	return port->virtio_known && port->virtio_features & VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) &&
	       !(port->virtio_features &
		 (VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
}

static void check_buffers(struct assessment *a, enum buffers buffers)
{
	if (buffers == BUFFERS_UNKNOWN)
		assess(a, TURNPIKE_DOUBTFUL,
		       "without mergeable buffers a program may never run, and before Linux 6.3 "
		       "only /sys tells, which is another network namespace's here");
	else if (buffers == BUFFERS_BIG)
		assess(a, TURNPIKE_REJECTED,
		       "with big buffers a program never runs: have the host offer mergeable ones "
		       "(QEMU: mrg_rxbuf=on)");
	else if (buffers == BUFFERS_SMALL_OR_BIG)
		assess(a, TURNPIKE_DOUBTFUL,
		       "its buffers are not mergeable, and if they are big a program never runs");
	if (buffers != BUFFERS_MERGEABLE && a->ret->moves == TURNPIKE_MOVES_TAIL)
		assess(a, TURNPIKE_DOUBTFUL,
		       "without mergeable buffers there are only %d bytes behind a full frame",
		       VIRTIO_SMALL_TAIL);
}

void assess_virtio(struct assessment *a)
{
	const struct turnpike_facts *port = a->port;

	if (offloads_stay(port))
		assess(a, TURNPIKE_REJECTED,
		       "the host's offloads are on and cannot be changed from here: have the host "
		       "switch them off (QEMU: guest_csum=off,guest_tso4=off,guest_tso6=off) or let "
		       "them be changed (ctrl_guest_offloads=on)");
	if (header_is_apart(port))
		assess(a, TURNPIKE_REJECTED,
		       "the host wants headers in buffers of their own: have it offer virtio 1.0 "
		       "(QEMU: disable-modern=off)");
	check_buffers(a, port->virtio_known ? known_buffers(port) : guess_buffers(port));
}

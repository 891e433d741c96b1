/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * virtio_net, whose buffers and offloads depend on the features that host and guest negotiated.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "select/assess.h"
#include "base/compat.h"

/* Without VIRTIO_NET_F_MRG_RXBUF, buffers have less room behind a frame of 1514 than the kernel
 * assumes: receive_small_xdp(). */
#define VIRTIO_SMALL_TAIL 10
#define VIRTIO_SMALL_MTU  1500

#define VIRTIO_BIT(feature) (1ull << (feature))

/* The host may send super-packets of these kinds. */
#define GUEST_GSO                                                                    \
	(VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_UFO))
#define GUEST_USO \
	(VIRTIO_BIT(COMPAT_VIRTIO_NET_F_GUEST_USO4) | VIRTIO_BIT(COMPAT_VIRTIO_NET_F_GUEST_USO6))

/* Receive buffers. With big ones the driver accepts a program, but never runs it. */
enum buffers {
	BUFFERS_UNKNOWN,
	BUFFERS_MERGEABLE,
	BUFFERS_SMALL,
	BUFFERS_BIG,
	BUFFERS_SMALL_OR_BIG,
};

/* virtnet_set_big_packets(): super-packets need big buffers. USO (6.2) counts as a pair. */
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
 * If the features are unknown: XDP with fragments shows mergeable buffers, GRO-HW shows
 * super-packets, and a GRO-HW that can be changed shows VIRTIO_NET_F_CTRL_GUEST_OFFLOADS.
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

/* virtnet_xdp_set() turns guest offloads off if the host allows it. */
static bool offloads_stay(const struct turnpike_facts *port)
{
	if (!port->virtio_known)
		return port->gro_hw & TURNPIKE_FIXED &&
		       (port->gro_hw | port->rx_csum) & TURNPIKE_ON;
	return !(port->virtio_features & VIRTIO_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)) &&
	       port->virtio_features &
		       (GUEST_GSO | GUEST_USO | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM));
}

/* Legacy devices use separate buffers for packet headers. */
static bool has_separate_header(const struct turnpike_facts *port)
{
	return port->virtio_known && port->virtio_features & VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF) &&
	       !(port->virtio_features &
		 (VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) | VIRTIO_BIT(VIRTIO_F_VERSION_1)));
}

static void check_buffers(struct assessment *a, enum buffers buffers)
{
	if (buffers == BUFFERS_UNKNOWN)
		assess(a, TURNPIKE_DOUBTFUL,
		       "the program may never run without mergeable buffers, and before Linux 6.3 "
		       "only /sys shows them, which belongs to another network namespace here");
	else if (buffers == BUFFERS_BIG)
		assess(a, TURNPIKE_REJECTED,
		       "the program never runs with big buffers: have the host offer mergeable ones "
		       "(QEMU: mrg_rxbuf=on)");
	else if (buffers == BUFFERS_SMALL_OR_BIG)
		assess(a, TURNPIKE_DOUBTFUL,
		       "its buffers are not mergeable, and if they are big the program never runs");
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
		       "guest offloads are on, and the guest cannot change them: have the host turn "
		       "them off (QEMU: guest_csum=off,guest_tso4=off,guest_tso6=off) or allow "
		       "changes (ctrl_guest_offloads=on)");
	if (has_separate_header(port))
		assess(a, TURNPIKE_REJECTED,
		       "the host uses separate buffers for headers: have it offer virtio 1.0 "
		       "(QEMU: disable-modern=off)");
	check_buffers(a, port->virtio_known ? known_buffers(port) : guess_buffers(port));
}

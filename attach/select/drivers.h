/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What drivers do not report: one table, read from their sources. Nothing else in the library knows
 * a driver by name.
 */
#ifndef TURNPIKE_ATTACH_SELECT_DRIVERS_H
#define TURNPIKE_ATTACH_SELECT_DRIVERS_H

#include <linux/types.h>
#include <stddef.h>

/** An unknown number of bytes. */
#define ROOM_UNKNOWN -1

/** Which channels a driver requires for XDP. */
enum queue_rule {
	QUEUES_ANY,
	QUEUES_HALF,          /* at most half of the maximum of combined channels */
	QUEUES_HALF_RX_IS_TX, /* as many rx as tx, at most half of the maximum */
	QUEUES_COMBINED,      /* combined channels only */
};

#define DRIVER_NO_NATIVE      0x001 /* no native XDP */
#define DRIVER_IGNORES_MOVES  0x002 /* sends the frame as received, or from its old start */
#define DRIVER_NO_REDIRECT    0x004 /* loses frames that it redirects */
#define DRIVER_NO_XMIT        0x008 /* accepts no redirected frames: no ndo_xdp_xmit */
#define DRIVER_SAYS_REDIRECT  0x010 /* useless unless it reports redirect */
#define DRIVER_REFUSES_LRO    0x020
#define DRIVER_REFUSES_GRO_HW 0x040
#define DRIVER_LEGACY_RX      0x080  /* no headroom with ethtool's private flag legacy-rx */
#define DRIVER_OF_MEMBERS     0x100  /* passes the program to its members, or runs on theirs */
#define DRIVER_MEMBERS_XMIT   0x200  /* its members must accept redirected frames */
#define DRIVER_VETH           0x400  /* sends to its peer, which must be prepared */
#define DRIVER_VIRTIO         0x800  /* three kinds of buffers, and guest offloads */
#define DRIVER_PASSES_UNMOVED 0x1000 /* ignores moves, but of passed frames only */

/**
 * struct driver - one driver in one range of kernels
 * @names:    of ethtool or IFLA_INFO_KIND, separated by blanks
 * @since:    the first kernel of the row. The lowest of a driver's rows introduced native XDP
 * @before:   the first kernel after the row; 0: none yet
 * @flags:    DRIVER_...
 * @max_mtu:  the largest MTU at which it accepts a program without fragment support and runs it on
 *            whole frames; 0: no limit of its own
 * @queues:   requirement on channels
 * @headroom: bytes in front of the frame, of which the kernel reserves 40
 * @tailroom: bytes behind a frame of 1514
 * @head_doubt, @tail_doubt: why the number, the worst case, may be wrong; may be NULL
 * @run_doubt: why an attached program may never run; may be NULL
 * @no_xdp:   when the driver has no XDP ("while LRO is on"); may be NULL
 * @disturbs: how attaching disturbs traffic; NULL: not noticeably
 * @source:   Linux files and functions, with the versions read
 */
struct driver {
	const char *names;
	__u32 since;
	__u32 before;
	__u32 flags;
	__u32 max_mtu;
	enum queue_rule queues;
	int headroom;
	int tailroom;
	const char *head_doubt;
	const char *tail_doubt;
	const char *run_doubt;
	const char *no_xdp;
	const char *disturbs;
	const char *source;
};

extern const struct driver drivers[];
extern const size_t n_drivers;

/**
 * driver_find() - find the row for a driver on a kernel
 * @name:  a driver or kind
 * @since: if there is no row for this kernel, the first one with native XDP; 0: unknown
 *
 * Return: the row, or NULL.
 */
const struct driver *driver_find(const char *name, __u32 kernel, __u32 *since);

#endif /* TURNPIKE_ATTACH_SELECT_DRIVERS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of drivers and cannot be asked of them: one table, read from their sources. Nothing
 * else in the library knows a driver by name.
 */
#ifndef TURNPIKE_ATTACH_SELECT_DRIVERS_H
#define TURNPIKE_ATTACH_SELECT_DRIVERS_H

#include <linux/types.h>
#include <stddef.h>

/** A number of bytes that nobody has worked out. */
#define ROOM_UNKNOWN -1

/** How many queues a driver wants left for XDP. */
enum queue_rule {
	QUEUES_ANY,
	QUEUES_HALF,          /* at most half of the combined channels that there can be */
	QUEUES_HALF_RX_IS_TX, /* as many rx as tx, and at most half of those that there can be */
	QUEUES_COMBINED,      /* combined ones only */
};

#define DRIVER_NO_NATIVE      0x001 /* no XDP of its own */
#define DRIVER_IGNORES_MOVES  0x002 /* sends the frame as it came, or from where it began */
#define DRIVER_NO_REDIRECT    0x004 /* loses what is redirected from it */
#define DRIVER_NO_XMIT        0x008 /* takes no frames redirected to it: no ndo_xdp_xmit */
#define DRIVER_SAYS_REDIRECT  0x010 /* is of no use unless it says that it can redirect */
#define DRIVER_REFUSES_LRO    0x020
#define DRIVER_REFUSES_GRO_HW 0x040
#define DRIVER_LEGACY_RX      0x080 /* with ethtool's private flag legacy-rx: no headroom */
#define DRIVER_OF_MEMBERS     0x100 /* hands the program on to its members, or runs on theirs */
#define DRIVER_MEMBERS_XMIT   0x200 /* its members must take redirected frames */
#define DRIVER_VETH           0x400 /* sends through the other end, which must be ready for it */
#define DRIVER_VIRTIO         0x800 /* has buffers of three kinds, and offloads of the host's */
#define DRIVER_PASSES_UNMOVED                                               \
	0x1000 /* ignores moves of frames that are passed up, not of others \
		*/

/**
 * struct driver - what is known of one driver in one range of kernels
 * @names:    as ethtool and IFLA_INFO_KIND have them, separated by blanks
 * @since:    the first kernel that the row is for. Of a driver's rows, the lowest is when native
 *            XDP came
 * @before:   the first kernel that the row is no more for; 0: none yet
 * @flags:    DRIVER_...
 * @max_mtu:  the largest MTU with which it takes, or runs on whole frames, a program that does not
 *            know of fragments; 0: no limit of its own
 * @queues:   what it wants of them
 * @headroom: bytes in front of the frame. The kernel keeps 40 of them
 * @tailroom: bytes behind a frame of 1514
 * @head_doubt, @tail_doubt: why the number may be wrong, which then is the worst case; may be NULL
 * @run_doubt: why a program may be taken and never run; may be NULL
 * @no_xdp:   when it says that it has no XDP, although its driver has; may be NULL
 * @disturbs: what attaching does to traffic; NULL: nothing worth mentioning
 * @source:   where this is from: Linux's files and functions, and the versions read
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
 * driver_find() - the row for a driver on a kernel
 * @name:  a driver or kind
 * @since: if there is none for this kernel, when native XDP came to the driver; 0: it is not known
 *
 * Returns NULL if there is no row.
 */
const struct driver *driver_find(const char *name, __u32 kernel, __u32 *since);

#endif /* TURNPIKE_ATTACH_SELECT_DRIVERS_H */

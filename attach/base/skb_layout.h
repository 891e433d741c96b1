/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the running kernel keeps the segment size of an sk_buff, which generic XDP does not show.
 */
#ifndef TURNPIKE_ATTACH_BASE_SKB_LAYOUT_H
#define TURNPIKE_ATTACH_BASE_SKB_LAYOUT_H

#include <turnpike/abi.h>

/**
 * skb_layout() - get the layout of this kernel; the first call takes some 50 ms
 *
 * Return: 0, or a negative errno:
 * - -ENOENT: the kernel has no BTF, or /sys does not show it
 * - -EPERM:  programs may not read the kernel's memory: CAP_PERFMON is missing, or the kernel is
 *            locked down
 */
int skb_layout(struct turnpike_skb_layout *ret);

#endif /* TURNPIKE_ATTACH_BASE_SKB_LAYOUT_H */

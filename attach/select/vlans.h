/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN devices on top of a device, wherever they are.
 */
#ifndef TURNPIKE_ATTACH_SELECT_VLANS_H
#define TURNPIKE_ATTACH_SELECT_VLANS_H

#include <linux/types.h>

#include "privileged/privileged.h"

/**
 * vlans_on() - count the VLAN devices on a device, in all network namespaces
 * @ifindex: in the network namespace of the calling thread
 *
 * The first call takes some 50 ms.
 *
 * Return: the number, or -1 if it cannot be known: no BTF, or CAP_BPF or CAP_PERFMON is missing.
 */
int vlans_on(struct privileged *privileged, __u32 ifindex);

extern const struct operation vlans_operation_count;

#endif /* TURNPIKE_ATTACH_SELECT_VLANS_H */

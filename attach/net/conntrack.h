/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host's connection tracking. It forgets a UDP flow whose packets it does not see, and a
 * stateful firewall then drops them. It sees the checks of a flow, so these must come in time.
 */
#ifndef TURNPIKE_ATTACH_NET_CONNTRACK_H
#define TURNPIKE_ATTACH_NET_CONNTRACK_H

#include <linux/types.h>

/**
 * conntrack_interval() - choose the time between two checks of a flow, ns
 * @wanted: what was asked for; 0: no checks
 *
 * Return: @wanted, or half of the shortest time after which the network namespace's nf_conntrack
 * forgets a UDP flow. Timeouts of single rules ("ct timeout" of nftables) are not known.
 */
__u64 conntrack_interval(__u64 wanted);

#endif /* TURNPIKE_ATTACH_NET_CONNTRACK_H */

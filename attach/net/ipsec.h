/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPsec policies that admit packets only if they came out of a tunnel. The kernel receives those
 * packets again, decrypted, on the device that the tunnel's packets came in by. There, programs on
 * sk_buffs see them like plain ones.
 *
 * In transport mode a packet stays in the stack, and XFRM interfaces are devices of their own.
 */
#ifndef TURNPIKE_ATTACH_NET_IPSEC_H
#define TURNPIKE_ATTACH_NET_IPSEC_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include "privileged/privileged.h"

/** ipsec_requires_tunnel() - is @msg (XFRM_MSG_NEWPOLICY or _UPDPOLICY) such a policy? */
bool ipsec_requires_tunnel(struct nl_msg *msg);

/**
 * ipsec_has_tunnels() - has the thread's network namespace such a policy?
 *
 * Asks the kernel for all policies.
 *
 * Return: also true if that cannot be known: without CAP_NET_ADMIN.
 */
bool ipsec_has_tunnels(struct privileged *privileged);

extern const struct operation ipsec_operation_list;

#endif /* TURNPIKE_ATTACH_NET_IPSEC_H */

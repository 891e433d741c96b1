/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is attached to a device now.
 */
#ifndef TURNPIKE_ATTACH_SELECT_OWNERS_H
#define TURNPIKE_ATTACH_SELECT_OWNERS_H

#include <netlink/netlink.h>
#include <turnpike/probe.h>

#include "net/netlink.h"

/** owners_read() - fill in @facts->programs; what may not be asked for is left out */
void owners_read(struct nl_sock *sock, const struct link_facts *link, struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_OWNERS_H */

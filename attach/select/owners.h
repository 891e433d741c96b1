/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that are attached to a device.
 */
#ifndef TURNPIKE_ATTACH_SELECT_OWNERS_H
#define TURNPIKE_ATTACH_SELECT_OWNERS_H

#include <netlink/netlink.h>
#include <turnpike/probe.h>

#include "net/link.h"

/** owners_read() - fill in @facts->programs, except those that we may not see. */
void owners_read(struct nl_sock *sock, const struct link_facts *link, struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_OWNERS_H */

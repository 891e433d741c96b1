/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gathers what the kernel tells about a device and its relatives. Changes nothing.
 */
#ifndef TURNPIKE_ATTACH_SELECT_FACTS_H
#define TURNPIKE_ATTACH_SELECT_FACTS_H

#include <netlink/netlink.h>
#include <turnpike/probe.h>

/**
 * facts_gather() - all facts of one device
 * @sock: of netlink_open()
 * @ret:  to be given to facts_free()
 *
 * Returns 0; -ENODEV: no such device; -ENOMEM; other errors of netlink(7). What else cannot be had
 * is unknown.
 */
int facts_gather(struct nl_sock *sock, const char *ifname, struct turnpike_facts **ret);

/** facts_free() - with all relatives; NULL is fine. */
void facts_free(struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_FACTS_H */

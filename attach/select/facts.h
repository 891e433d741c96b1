/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel reports about a device and its relatives. Reading it changes nothing.
 */
#ifndef TURNPIKE_ATTACH_SELECT_FACTS_H
#define TURNPIKE_ATTACH_SELECT_FACTS_H

#include <netlink/netlink.h>
#include <turnpike/probe.h>

/**
 * facts_gather() - gather all facts about a device
 * @sock: of netlink_open()
 * @ret:  release with facts_free(); facts that the kernel does not report are marked unknown
 *
 * Return: 0; -ENODEV if there is no such device; -ENOMEM; another negative errno of netlink(7).
 */
int facts_gather(struct nl_sock *sock, const char *ifname, struct turnpike_facts **ret);

/** facts_free() - free the facts and those of all relatives; NULL is allowed. */
void facts_free(struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_FACTS_H */

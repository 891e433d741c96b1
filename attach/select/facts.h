/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel reports about a device and its relatives. Reading it changes nothing.
 */
#ifndef TURNPIKE_ATTACH_SELECT_FACTS_H
#define TURNPIKE_ATTACH_SELECT_FACTS_H

#include <turnpike/probe.h>

#include "privileged/privileged.h"

/**
 * facts_gather() - gather all facts about a device
 * @ret: release with facts_free(); facts that the kernel does not report are marked unknown
 *
 * Return: 0; -ENODEV if there is no such device; -ENOMEM; another negative errno of netlink(7).
 */
int facts_gather(struct privileged *privileged, const char *ifname, struct turnpike_facts **ret);

/** facts_free() - free the facts and those of all relatives; NULL is allowed. */
void facts_free(struct turnpike_facts *facts);

extern const struct operation facts_operation_read_kernel, facts_operation_read_link;

#endif /* TURNPIKE_ATTACH_SELECT_FACTS_H */

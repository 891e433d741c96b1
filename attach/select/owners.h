/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that are attached to a device.
 */
#ifndef TURNPIKE_ATTACH_SELECT_OWNERS_H
#define TURNPIKE_ATTACH_SELECT_OWNERS_H

#include <turnpike/probe.h>

#include "net/link.h"
#include "privileged/privileged.h"

/** owners_read() - fill in @facts->programs, except those that we may not see. */
void owners_read(struct privileged *privileged, const struct link_facts *link,
		 struct turnpike_facts *facts);

extern const struct operation owners_operation_read;

#endif /* TURNPIKE_ATTACH_SELECT_OWNERS_H */

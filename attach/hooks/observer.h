/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer of a device: the program at TC egress that confirms flows (programs/observe.h).
 */
#ifndef TURNPIKE_ATTACH_HOOKS_OBSERVER_H
#define TURNPIKE_ATTACH_HOOKS_OBSERVER_H

#include "hooks/attachment.h"

/**
 * observer_keep() - make sure that the device has an observer
 * @hook:     of the program that relays. With clsact, the observer uses the same qdisc. Otherwise
 * tcx is the first choice
 * @observer: what the last call has left; first ATTACHMENT_NONE. To be closed with
 *            attachment_close()
 *
 * Return: 0, or a negative errno of loader_load() or point_attach(); @observer is then
 * ATTACHMENT_NONE.
 */
int observer_keep(struct privileged *privileged, __u32 ifindex, enum turnpike_hook hook,
		  struct attachment *observer);

#endif /* TURNPIKE_ATTACH_HOOKS_OBSERVER_H */

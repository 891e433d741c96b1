/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The instances of a handle, by number, where operations run.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_INSTANCES_H
#define TURNPIKE_ATTACH_HOOKS_INSTANCES_H

#include "hooks/instance.h"
#include "privileged/privileged.h"

/** Relay and observer of each slot, one more that replaces another, and a trial. */
#define INSTANCES_MAX (2 * TURNPIKE_SLOTS + 2)

/** instances_add() - take over an instance. Return: 0; -ENOSPC, -ENOMEM: it is closed then. */
int instances_add(struct privileged *privileged, struct instance *instance, __u32 *number);

/** instances_find() - that of a number; NULL: there is none */
struct instance *instances_find(const struct privileged *privileged, __u32 number);

/** instances_remove() - close that of a number, if there is one */
void instances_remove(const struct privileged *privileged, __u32 number);

/** instances_end() - close all */
void instances_end(struct privileged *privileged);

#endif /* TURNPIKE_ATTACH_HOOKS_INSTANCES_H */

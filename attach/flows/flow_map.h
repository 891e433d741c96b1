/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps flows4, flows6 and sends: one element for each direction of a binding.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_FLOW_MAP_H
#define TURNPIKE_ATTACH_FLOWS_FLOW_MAP_H

#include "base/map_set.h"
#include "flows/encode.h"
#include "privileged/privileged.h"

/** Flows that flows_add() takes: those of a binding. */
#define FLOWS_AT_ONCE 2

/**
 * flows_add() - insert @n flows of one table by one system call, or none of them
 * @flows: none of the keys is in use
 * @n:     at most FLOWS_AT_ONCE
 *
 * Return: 0; -ENOSPC if the map is full; or another negative errno of bpf(2).
 */
int flows_add(const struct maps *maps, const struct encoded_flow *flows, __u32 n);

/** flow_read() - read the value of a key. Return: 0, or -ENOENT. */
int flow_read(const struct maps *maps, const struct flow_key *key, struct turnpike_flow *ret);

/**
 * flow_replace() - give a key another value, and keep its counters and flow label
 *
 * A packet meets the old value or the new one. Packets that the old one counts meanwhile may be
 * lost to the counters.
 *
 * Return: 0, or -ENOENT.
 */
int flow_replace(const struct maps *maps, const struct encoded_flow *encoded);

/** flow_set_expiry() - set the expiry in place; the counters lose nothing. Return: 0, or -ENOENT.
 */
int flow_set_expiry(const struct maps *maps, const struct flow_key *key, __u64 expires);

extern const struct operation flow_operation_set_expiry;

/** flow_delete() - remove a flow. Return: 0, or -ENOENT. */
int flow_delete(const struct maps *maps, const struct flow_key *key);

#endif /* TURNPIKE_ATTACH_FLOWS_FLOW_MAP_H */

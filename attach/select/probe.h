/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts and plan of one device or of all.
 */
#ifndef TURNPIKE_ATTACH_SELECT_PROBE_H
#define TURNPIKE_ATTACH_SELECT_PROBE_H

#include <turnpike/probe.h>

/** probe_devices() - see turnpike_probe(). */
int probe_devices(const char *ifname,
		  int (*fn)(const struct turnpike_probe_result *probe, void *arg), void *arg);

#endif /* TURNPIKE_ATTACH_SELECT_PROBE_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What needs no handle: whether the kernel takes the programs, and what its devices support.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "api/fail.h"
#include "base/loader.h"
#include "base/quiet.h"
#include "select/probe.h"

int turnpike_verify(int (*fn)(const struct turnpike_variant *variant, void *arg), void *arg)
{
	const libbpf_print_fn_t print = be_quiet();
	const int err = loader_verify(fn, arg);

	libbpf_set_print(print);
	return err ? api_fail_load(err, "") : 0;
}

int turnpike_probe(const char *ifname,
		   int (*fn)(const struct turnpike_probe_result *probe, void *arg), void *arg)
{
	const int err = probe_devices(ifname, fn, arg);

	if (err == -ENODEV && ifname)
		return api_fail(NULL, err,
				"device %s does not exist: choose one that 'ip link' lists",
				ifname);
	return err ? api_fail(NULL, err, "cannot read the devices: %s", strerror(-err)) : 0;
}

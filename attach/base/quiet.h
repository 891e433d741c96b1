/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libbpf prints for developers what our errors explain to operators.
 */
#ifndef TURNPIKE_ATTACH_BASE_QUIET_H
#define TURNPIKE_ATTACH_BASE_QUIET_H

#include <bpf/libbpf.h>

/** be_quiet() - Return: what libbpf_set_print() takes to restore the caller's choice. */
static inline libbpf_print_fn_t be_quiet(void)
{
	return libbpf_set_print(NULL);
}

#endif /* TURNPIKE_ATTACH_BASE_QUIET_H */

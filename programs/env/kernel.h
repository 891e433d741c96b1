/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The environment of the programs in the kernel; host.h is its counterpart. */
#ifndef TURNPIKE_PROGRAMS_ENV_KERNEL_H
#define TURNPIKE_PROGRAMS_ENV_KERNEL_H

#include <bpf/bpf_helpers.h>

/*
 * Load data or data_end of the context. In assembly, because clang may compute the address of the
 * field first, and the verifier rejects loads through a modified context pointer.
 */
static __always_inline void *ctx_pointer(const void *ctx, int off)
{
	void *p;

	asm volatile("%[p] = *(u32 *)(%[ctx] + %[off])"
		     : [p] "=r"(p)
		     : [ctx] "r"(ctx), [off] "i"(off)
		     : "memory");
	return p;
}

extern const volatile struct turnpike_config config;

#endif /* TURNPIKE_PROGRAMS_ENV_KERNEL_H */

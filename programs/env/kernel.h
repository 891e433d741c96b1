/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs are built against for the kernel; host.h is its counterpart.
 */
#ifndef TURNPIKE_PROGRAMS_ENV_KERNEL_H
#define TURNPIKE_PROGRAMS_ENV_KERNEL_H

#include <bpf/bpf_helpers.h>

/*
 * Loads one of the context's packet pointers. By hand, because clang likes to compute the field's
 * address once and keep it, and the verifier refuses to load through a modified context pointer.
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

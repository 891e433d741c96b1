/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to all programs: the kernel's types and helpers, the ABI, and the constants that the
 * library sets before it loads a program, which let the verifier prune dead branches.
 *
 * Functions are inlined unless marked __noinline. Those are BPF global functions (Linux 5.6; 5.12
 * for pointers to structs): the verifier checks each one once, for any arguments, rather than again
 * on every path that calls it. This halves the verification of a program. It has two consequences:
 *
 * - The verifier takes a pointer argument for possibly NULL, so each is tested.
 * - The programs of both contexts are linked into one object, so ctx/xdp.h and ctx/tc.h give the
 *   global functions names of their own.
 */
#ifndef TURNPIKE_PROGRAMS_COMMON_H
#define TURNPIKE_PROGRAMS_COMMON_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>

#include <turnpike/abi.h>

#ifdef __bpf__
#include "env/kernel.h"
#else
#include "env/host.h"
#endif

#define likely(x) __builtin_expect(!!(x), 1)

/* Offsets into a frame are masked before use, to prove to the verifier that they are small. */
#define OFF_MASK 0x3fff

#endif /* TURNPIKE_PROGRAMS_COMMON_H */

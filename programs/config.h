/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every program includes: the kernel's types and helpers, the ABI, and the constants that the
 * library sets before it loads a program (the verifier then drops the branches that they rule out).
 */
#ifndef TURNPIKE_PROGRAMS_CONFIG_H
#define TURNPIKE_PROGRAMS_CONFIG_H

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

/* Offsets into a frame are masked where they are used: the verifier wants to see that they are
 * small. */
#define OFF_MASK 0x3fff

#endif /* TURNPIKE_PROGRAMS_CONFIG_H */

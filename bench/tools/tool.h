/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the benchmark's tools have in common. All are started in the network namespace that they
 * work in, end with a sentence if something fails, and answer in lines of JSON.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <linux/types.h>

/** die() - ends the tool with a sentence and status 1; @err: a negative errno, or 0 */
_Noreturn void die(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** number() - the decimal number that @text is, from @min to @max; @name is for the sentence */
__u64 number(const char *name, const char *text, __u64 min, __u64 max);

/** device() - the index of a device of this namespace */
__u32 device(const char *name);

/** pin() - to one CPU, where this process comes before all else; -1: to none */
void pin(int cpu);

/** before_all_else() - whatever else wants this CPU must do without it */
void before_all_else(void);

/** clock_now() - CLOCK_MONOTONIC, ns */
__u64 clock_now(void);

/** quiet() - libbpf says nothing but warnings */
void quiet(void);

/** enum hook - where a program is attached */
enum hook {
	HOOK_XDP_NATIVE,
	HOOK_XDP_GENERIC,
	HOOK_TCX,
	HOOK_CLSACT,
};

/** hook_named() - "xdp-native", "xdp-generic", "tcx" or "clsact" */
enum hook hook_named(const char *name);

/** hook_is_xdp() - does it take programs of XDP? Else of TC. */
int hook_is_xdp(enum hook hook);

/** hook_attach() - attaches for as long as this process lives, and until hook_detach() */
void hook_attach(enum hook hook, __u32 ifindex, int prog_fd);

/** hook_detach() - what would outlive this process: a clsact qdisc */
void hook_detach(enum hook hook, __u32 ifindex);

/** prog_id() - the kernel's id of a program */
__u32 prog_id(int prog_fd);

/**
 * next_order() - the next line of standard input, without its end
 * Returns NULL at the end of the input and on signals (end_on_signals()). The line is valid until
 * the next call.
 */
char *next_order(void);

/** end_on_signals() - SIGINT, SIGTERM, SIGALRM end next_order() and system calls, not the process
 */
void end_on_signals(void);

/** ending() - has there been such a signal? */
int ending(void);

#endif /* BENCH_TOOL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Attaches a program to a device for the lifetime of a tool.
 */
#ifndef BENCH_ATTACH_H
#define BENCH_ATTACH_H

#include <linux/types.h>
#include <stdbool.h>

struct argp;
struct bpf_program;

/** enum hook - attach points */
enum hook {
	HOOK_XDP_NATIVE,
	HOOK_XDP_GENERIC,
	HOOK_TCX,
	HOOK_CLSACT,
};

/**
 * struct target - where a program is attached
 * @attached: whether one is
 * @link:     descriptor of its BPF link, if the hook has links
 */
struct target {
	__u32 ifindex;
	enum hook hook;
	bool has_hook;
	bool attached;
	int link;
};

/** target_argp - child parser for --dev and --hook, both required; its input is a struct target */
extern const struct argp target_argp;

/** target_is_xdp() - whether the hook runs XDP programs; otherwise it runs TC programs */
bool target_is_xdp(const struct target *target);

/**
 * run_attached() - attach @program, carry out orders until the input ends, and detach
 * @on_order: called for each line of standard input with @arg; NULL: there are no orders
 *
 * Prints a line with "ready" and "prog_id" once the program is attached.
 */
void run_attached(struct target *target, const struct bpf_program *program,
		  void (*on_order)(void *arg, char *order), void *arg);

/** target_attach() - attach @program, instead of the one that is there, and print as above */
void target_attach(struct target *target, const struct bpf_program *program);

/** target_detach() - detach what target_attach() has attached, if anything */
void target_detach(struct target *target);

#endif /* BENCH_ATTACH_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls into the kernel: programs of BPF_PROG_TYPE_SYSCALL, which no packet meets.
 */
#ifndef TURNPIKE_ATTACH_BASE_CALL_H
#define TURNPIKE_ATTACH_BASE_CALL_H

#include <linux/types.h>

struct bpf_program;

/**
 * call_program() - run a program once
 * @arg: its context, which it may read and write
 *
 * Return: what the program returned, or a negative errno of bpf(2).
 */
int call_program(const struct bpf_program *program, void *arg, __u32 size);

#endif /* TURNPIKE_ATTACH_BASE_CALL_H */

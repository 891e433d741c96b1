/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Common to the tools of the benchmark. Each tool is started in the network namespace that it works
 * in, prints its results as lines of JSON, and exits with a message on any error.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <linux/types.h>
#include <netinet/in.h>

/** die() - print a message and exit with status 1; @err: a negative errno, or 0 */
_Noreturn void die(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** number() - parse a decimal number from @min to @max; @name: of the option, for the message */
__u64 number(const char *name, const char *text, __u64 min, __u64 max);

/**
 * ipv4_address() - parse ADDR or ADDR:PORT; without a port it is 0
 * @name: of the option, for the message
 */
struct sockaddr_in ipv4_address(const char *name, const char *text);

/** device() - the index of a device of this namespace */
__u32 device(const char *name);

/** pin() - pin the process to a CPU, and take_precedence(); -1: do nothing */
void pin(int cpu);

/** take_precedence() - run at the highest priority among normal processes */
void take_precedence(void);

/** clock_now() - CLOCK_MONOTONIC, ns */
__u64 clock_now(void);

/** quiet() - let libbpf print warnings only */
void quiet(void);

/**
 * next_order() - read a line of standard input, without the newline
 *
 * Returns NULL at the end of the input and on signals, see end_on_signals(). The line is valid
 * until the next call.
 */
char *next_order(void);

/** end_on_signals() - let SIGINT, SIGTERM and SIGALRM interrupt next_order() and system calls */
void end_on_signals(void);

/** ending() - whether such a signal has arrived */
int ending(void);

#endif /* BENCH_TOOL_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lets the benchmark end packets after a step of the fast path, to time the steps (bench/steps.py).
 * Only its own build of the programs does, with TURNPIKE_STOPS. In the programs that the library
 * loads no packet stops, and the compiler leaves nothing of this.
 */
#ifndef TURNPIKE_PROGRAMS_STOP_H
#define TURNPIKE_PROGRAMS_STOP_H

#include <linux/types.h>
#include <stdbool.h>

#include <turnpike/verdicts.h>

/* Identifier and name of each step, in the order of the program. */
#define TURNPIKE_STEPS(X)                                 \
	X(ENTERED, "entered")     /* the fast path */     \
	X(ADDRESSED, "addressed") /* to our MAC */        \
	X(OURS, "ours")           /* to a port of ours */ \
	X(PARSED, "parsed")                               \
	X(FOUND, "flow")                                  \
	X(HOP, "next hop")                                \
	X(ADMITTED, "admitted")                           \
	X(SUMMED, "checksum")                             \
	X(ROOM, "room")                                   \
	X(WRITTEN, "headers")                             \
	X(COUNTED, "counted")                             \
	X(ALL, "sent")

#define TURNPIKE_STEP_ID(id, name) STEP_##id,
enum step { TURNPIKE_STEPS(TURNPIKE_STEP_ID) };
#undef TURNPIKE_STEP_ID

/* Not a verdict: the packet ends here. */
#define STOPPED ((enum turnpike_verdict)(TURNPIKE_VERDICT_MAX + 1))

#ifdef TURNPIKE_STOPS
extern const volatile __u32 last_step; /* defined by bench/tools/steps.bpf.c */

static inline __attribute__((always_inline)) bool is_last(enum step step)
{
	return step == last_step;
}

static inline __attribute__((always_inline)) bool is_stopped(enum turnpike_verdict verdict)
{
	return verdict == STOPPED;
}
#else
static inline __attribute__((always_inline)) bool is_last(enum step step)
{
	(void)step;
	return false;
}

static inline __attribute__((always_inline)) bool is_stopped(enum turnpike_verdict verdict)
{
	(void)verdict;
	return false;
}
#endif

#endif /* TURNPIKE_PROGRAMS_STOP_H */

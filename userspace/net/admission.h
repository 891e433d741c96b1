/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file admission.h
 * How many connections there may be at the same time, from anywhere and from one source, and how
 * many new ones of a source in a second: a handshake of TLS is the dearest thing that a stranger
 * can ask for. Any thread.
 */
#ifndef TURNPIKE_NET_ADMISSION_H
#define TURNPIKE_NET_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include <turnpike/addr.h>

struct admission;

/**
 * admission_new() - let nobody in yet
 * @max:            connections at the same time
 * @max_per_source: of them, from one IPv4 address or one IPv6 /64
 * @rate:           new ones of such a source a second, TURN_UNAUTH_BURST_S seconds' at once; 0: no
 * limit
 *
 * Return: what admission_free() takes, or NULL without memory.
 */
struct admission *admission_new(uint32_t max, uint32_t max_per_source, uint32_t rate);
void admission_free(struct admission *admission);

/** admission_set_rate() - as admission_new(); connections that there are stay */
void admission_set_rate(struct admission *admission, uint32_t rate);

/**
 * admission_enter() - whether one more may come from @source; if so, it has to leave again
 * @now: in ns
 */
bool admission_enter(struct admission *admission, const struct turnpike_addr *source, uint64_t now);
void admission_leave(struct admission *admission, const struct turnpike_addr *source);

#endif /* TURNPIKE_NET_ADMISSION_H */

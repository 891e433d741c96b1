/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file limits.h
 * How much application data an allocation may relay, a limit each direction. What the kernel relays
 * and what user space relays is charged to the same.
 */
#ifndef TURNPIKE_IO_LIMITS_H
#define TURNPIKE_IO_LIMITS_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "turn/turn.h"

struct limits;

/**
 * limits_new() - make two limits of the same rate
 * @tp:   where they are kept, which must outlive them; NULL: in memory of our own
 * @rate: bytes a second, not 0
 *
 * Return: 0, -ENOMEM, or -ENOSPC: @tp has no more.
 */
int limits_new(struct turnpike *tp, uint64_t rate, struct limits **ret);

/** limits_free() - no binding must bear them any more; NULL is fine */
void limits_free(struct limits *limits);

/** limits_charge() - take @len bytes, if there are as many; whether there were */
bool limits_charge(struct limits *limits, enum turn_direction direction, size_t len);

/** limits_policer() - the number for struct turnpike_binding; 0 without limits */
uint32_t limits_policer(const struct limits *limits, enum turn_direction direction);

#endif /* TURNPIKE_IO_LIMITS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file random.h
 * Cryptographically secure random bytes.
 */
#ifndef TURNPIKE_BASE_RANDOM_H
#define TURNPIKE_BASE_RANDOM_H

#include <stddef.h>

/** random_fill() - fill @buf with getrandom(2); aborts if that fails. Any thread */
void random_fill(void *buf, size_t len);

#endif /* TURNPIKE_BASE_RANDOM_H */

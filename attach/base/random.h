/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_ATTACH_BASE_RANDOM_H
#define TURNPIKE_ATTACH_BASE_RANDOM_H

#include <linux/types.h>

/**
 * random_u32() - draw a number that nobody can predict
 *
 * A binding needs four, so a system call draws many at once.
 *
 * Return: 0 or -EIO.
 */
int random_u32(__u32 *ret);

#endif /* TURNPIKE_ATTACH_BASE_RANDOM_H */

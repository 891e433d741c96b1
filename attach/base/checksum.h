/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ones' complement sums (RFC 1071) over words in memory order, whose result is in network byte
 * order on any machine.
 */
#ifndef TURNPIKE_ATTACH_BASE_CHECKSUM_H
#define TURNPIKE_ATTACH_BASE_CHECKSUM_H

#include <linux/types.h>
#include <stddef.h>

/**
 * checksum_add() - add bytes to a sum
 * @sum: 0 or an earlier result
 * @len: at most 128 KiB in all; only the last piece may be odd
 *
 * Return: the sum, not folded.
 */
__u32 checksum_add(__u32 sum, const void *data, size_t len);

/** checksum_fold() - fold a sum to 16 bits, not inverted. */
__u16 checksum_fold(__u32 sum);

#endif /* TURNPIKE_ATTACH_BASE_CHECKSUM_H */

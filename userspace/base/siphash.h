/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file siphash.h
 * SipHash-2-4 (Aumasson and Bernstein): a keyed hash that an attacker who chooses the input cannot
 * predict; for hash tables and nonces.
 */
#ifndef TURNPIKE_BASE_SIPHASH_H
#define TURNPIKE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_LEN 16

/** siphash() - compute the 64-bit hash of @len bytes under @key */
uint64_t siphash(const uint8_t key[static SIPHASH_KEY_LEN], const void *data, size_t len);

#endif /* TURNPIKE_BASE_SIPHASH_H */

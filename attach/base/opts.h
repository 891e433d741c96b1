/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Structs whose first member is their size (sz), so that a program and the library may have been
 * built with different versions of turnpike.h.
 */
#ifndef TURNPIKE_ATTACH_BASE_OPTS_H
#define TURNPIKE_ATTACH_BASE_OPTS_H

#include <stddef.h>

/** Such a struct is never larger. A size above this is not one: sz was not set. */
#define OPTS_SIZE_MAX 4096

/**
 * opts_copy() - read a caller's struct of any version
 * @own:   struct of this version, all zero but for sz; untouched if the call fails
 * @known: bytes up to the end of the last member but padding
 * @opts:  the caller's struct; NULL: all defaults
 *
 * Members that the caller's version lacks stay 0. Bytes of the caller's struct from @known on must
 * be 0: they are padding, or members of a later version that the caller leaves at their defaults.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: sz cannot be the size of such a struct
 * - -E2BIG: a byte from @known on is not 0
 */
int opts_copy(void *own, size_t known, const void *opts);

/** OPTS_KNOWN() - @known for opts_copy() of struct @type whose last member is @last */
#define OPTS_KNOWN(type, last) (offsetof(struct type, last) + sizeof(((struct type *)NULL)->last))

#endif /* TURNPIKE_ATTACH_BASE_OPTS_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file array.h
 * Arrays of distinct items that grow by one.
 */
#ifndef TURNPIKE_BASE_ARRAY_H
#define TURNPIKE_BASE_ARRAY_H

#include <stddef.h>

/**
 * array_append() - copy @item to the end of @array, unless the array already contains it
 * @n:    number of items, incremented
 * @size: of an item, in bytes
 *
 * Return: the array, which may have moved; NULL if memory is exhausted.
 */
void *array_append(void *array, size_t *n, const void *item, size_t size);

#endif /* TURNPIKE_BASE_ARRAY_H */

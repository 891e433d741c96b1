/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void *array_append(void *array, size_t *n, const void *item, size_t size)
{
	char *grown = array;

	for (size_t i = 0; i < *n; i++) {
		if (memcmp(grown + i * size, item, size) == 0)
			return array;
	}
	grown = reallocarray(array, *n + 1, size);
	if (!grown)
		return NULL;
	memcpy(grown + *n * size, item, size);
	(*n)++;
	return grown;
}

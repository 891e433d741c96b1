/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/opts.h"

#include <errno.h>
#include <string.h>

int opts_copy(void *own, size_t known, const void *opts)
{
	const size_t own_size = *(const size_t *)own;
	size_t size, i;

	if (!opts)
		return 0;
	size = *(const size_t *)opts;
	if (size < sizeof(size) || size > OPTS_SIZE_MAX)
		return -EINVAL;
	for (i = known; i < size; i++)
		if (((const unsigned char *)opts)[i])
			return -E2BIG;
	memcpy(own, opts, size < known ? size : known);
	*(size_t *)own = own_size;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/checksum.h"

#include <string.h>

__u32 checksum_add(__u32 sum, const void *data, size_t len)
{
	const __u8 *bytes = data;
	__u16 word;

	for (; len >= sizeof(word); len -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
	/* An odd byte is padded with a zero byte. */
	word = 0;
	memcpy(&word, bytes, len);
	return sum + word;
}

__u16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

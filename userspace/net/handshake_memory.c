/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <openssl/crypto.h>
#include <openssl/ssl3.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/handshake_memory.h"

/** Of the step that the thread is in. */
static _Thread_local struct handshake_memory *current;

/* Only whole pages can be given back. The block is for free() and realloc(). */
static void *allocate_pages(size_t size, size_t *len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	*len = (size + page - 1) / page * page;
	return aligned_alloc(page, *len);
}

/* OpenSSL makes its block for messages by resizing none, and its other ones otherwise. */
static void *new_block(size_t size)
{
	size_t len;
	void *block;

	if (!current || current->message || size < SSL3_RT_MAX_PLAIN_LENGTH)
		return malloc(size);
	block = allocate_pages(size, &len);
	if (block)
		*current = (struct handshake_memory){ .message = block, .len = len };
	return block;
}

static void forget(const void *block)
{
	if (current && block == current->message)
		current->message = NULL;
}

static void release(void *block, const char *file, int line)
{
	(void)file;
	(void)line;
	forget(block);
	free(block);
}

static void *resize(void *block, size_t size, const char *file, int line)
{
	if (!block)
		return size > 0 ? new_block(size) : NULL;
	if (size == 0) {
		release(block, file, line);
		return NULL;
	}
	forget(block);
	return realloc(block, size);
}

bool handshake_memory_install(void)
{
	return CRYPTO_set_mem_functions(NULL, resize, release) == 1;
}

void handshake_memory_begin(struct handshake_memory *memory)
{
	current = memory;
}

void handshake_memory_end(void)
{
	if (current && current->message)
		madvise(current->message, current->len, MADV_DONTNEED);
	current = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file handshake_memory.h
 * Keeps DTLS handshakes small while they wait. For each, OpenSSL has a block of 21 KB for the
 * message that it reads or writes, and fills it with zeros. Here the block has pages of its own,
 * which are given back after each step.
 *
 * A step is what OpenSSL does with one record or timer. Steps are not nested. OpenSSL writes a
 * message afresh for each use, and both datagrams and our wire take a message whole, so nothing in
 * the block matters from one step to the next.
 */
#ifndef TURNPIKE_NET_HANDSHAKE_MEMORY_H
#define TURNPIKE_NET_HANDSHAKE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct handshake_memory - of one handshake; zeros at the beginning
 * @message: OpenSSL's block for a message, or NULL
 * @len:     bytes of its pages
 */
struct handshake_memory {
	void *message;
	size_t len;
};

/**
 * handshake_memory_install() - make OpenSSL allocate here; to be called before OpenSSL is used
 *
 * Return: whether it does. If not, all else works, with more memory.
 */
bool handshake_memory_install(void);

/** handshake_memory_begin() - what OpenSSL allocates and frees now belongs to a step of @memory */
void handshake_memory_begin(struct handshake_memory *memory);

/** handshake_memory_end() - give the message's pages back; without a step, it does nothing */
void handshake_memory_end(void);

#endif /* TURNPIKE_NET_HANDSHAKE_MEMORY_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file blocks.h
 * Users and clients that are blocked for a while, in all workers. All functions belong to the main
 * thread.
 */
#ifndef TURNPIKE_PROCESS_BLOCKS_H
#define TURNPIKE_PROCESS_BLOCKS_H

#include "net/block_set.h"
#include "process/workers.h"

/** The largest number of blocks. */
#define BLOCKS_MAX 1024

struct blocks;

/** blocks_open() - begin without blocks; @base is the loop of the main thread; return: 0, -ENOMEM
 */
int blocks_open(struct event_base *base, struct workers *workers, struct blocks **ret);

/** blocks_close() - after workers_close(); accepts NULL */
void blocks_close(struct blocks *blocks);

/**
 * blocks_add() - refuse new allocations of a user, or all packets of clients, from now on
 * @block: replaces one that is the same but for its end
 *
 * What exists stays: end it afterwards. Return: 0, -ENOMEM, -ENOSPC.
 */
int blocks_add(struct blocks *blocks, const struct block *block);

/** blocks_remove() - end a block; return: 0, -ENOMEM, -ENOENT */
int blocks_remove(struct blocks *blocks, const struct block *block);

/** blocks_list() - the blocks, and their number; valid until the next change */
const struct block *blocks_list(const struct blocks *blocks, size_t *n);

#endif /* TURNPIKE_PROCESS_BLOCKS_H */

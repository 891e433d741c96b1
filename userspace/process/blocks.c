/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/** struct blocks - @set: of @list, which the workers use; NULL: empty */
struct blocks {
	struct workers *workers;
	struct event *timer;
	struct block_set *set;
	size_t n;
	struct block list[BLOCKS_MAX];
};

static void use_set(struct turn_io *io, void *set)
{
	turn_io_block(io, set);
}

static uint64_t next_end(const struct blocks *blocks)
{
	uint64_t next = TURN_NEVER;

	for (size_t i = 0; i < blocks->n; i++) {
		if (blocks->list[i].until < next)
			next = blocks->list[i].until;
	}
	return next;
}

static void arm(const struct blocks *blocks)
{
	const uint64_t next = next_end(blocks), now = clock_now();
	const uint64_t us = next > now ? (next - now) / 1000 + 1 : 0;
	const struct timeval delay = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	if (next == TURN_NEVER)
		event_del(blocks->timer);
	else
		event_add(blocks->timer, &delay);
}

/* Lets all workers use the list. Afterwards, none of them uses the old set. */
static int apply(struct blocks *blocks)
{
	struct block_set *old = blocks->set, *set = NULL;

	if (blocks->n) {
		set = block_set_new(blocks->list, blocks->n);
		if (!set)
			return -ENOMEM;
	}
	workers_each(blocks->workers, use_set, set);
	blocks->set = set;
	block_set_free(old);
	arm(blocks);
	return 0;
}

static void log_end(const struct block *block)
{
	char text[ADDR_TEXT_MAX];
	const struct log_field fields[] = {
		{ .name = "user", .text = block->user },
		{ .name = "prefix", .text = addr_format(&block->prefix.addr, text) },
		{ .name = "length", .number = block->prefix.prefix },
	};

	if (*block->user)
		log_event(LOG_INFO, "unblocked", "block has ended", &fields[0], 1);
	else
		log_event(LOG_INFO, "unblocked", "block has ended", &fields[1], 2);
}

static void drop(struct blocks *blocks, size_t i)
{
	blocks->list[i] = blocks->list[--blocks->n];
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t now = clock_now();
	struct blocks *blocks = arg;

	(void)fd;
	(void)what;
	for (size_t i = blocks->n; i > 0; i--) {
		if (blocks->list[i - 1].until > now)
			continue;
		log_end(&blocks->list[i - 1]);
		drop(blocks, i - 1);
	}
	if (apply(blocks))
		log_error("blocks that have ended stay in effect: out of memory");
}

int blocks_open(struct event_base *base, struct workers *workers, struct blocks **ret)
{
	struct blocks *blocks = calloc(1, sizeof(*blocks));

	if (blocks)
		blocks->timer = evtimer_new(base, on_timer, blocks);
	if (!blocks || !blocks->timer) {
		free(blocks);
		log_error("out of memory");
		return -ENOMEM;
	}
	blocks->workers = workers;
	*ret = blocks;
	return 0;
}

void blocks_close(struct blocks *blocks)
{
	if (!blocks)
		return;
	event_free(blocks->timer);
	block_set_free(blocks->set);
	free(blocks);
}

/* Its index, or the number of blocks. */
static size_t find(const struct blocks *blocks, const struct block *block)
{
	size_t i = 0;

	while (i < blocks->n && !block_is_same(&blocks->list[i], block))
		i++;
	return i;
}

int blocks_add(struct blocks *blocks, const struct block *block)
{
	const size_t i = find(blocks, block), n = blocks->n;
	struct block before;
	int err;

	if (i == BLOCKS_MAX)
		return -ENOSPC;
	before = blocks->list[i];
	blocks->list[i] = *block;
	blocks->n += i == n;
	err = apply(blocks);
	if (err) {
		blocks->list[i] = before;
		blocks->n = n;
	}
	return err;
}

int blocks_remove(struct blocks *blocks, const struct block *block)
{
	const size_t i = find(blocks, block);
	struct block before;
	int err;

	if (i == blocks->n)
		return -ENOENT;
	before = blocks->list[i];
	drop(blocks, i);
	err = apply(blocks);
	if (err)
		blocks->list[blocks->n++] = before;
	return err;
}

const struct block *blocks_list(const struct blocks *blocks, size_t *n)
{
	*n = blocks->n;
	return blocks->list;
}

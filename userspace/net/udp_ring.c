/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/udp_ring.h"
#include "private/array_len.h"

/**
 * struct udp_ring - see udp_ring.h; io_uring(7) explains the queues
 * @queued:  messages since the last udp_ring_send()
 * @queues:  both queues, without the entries to submit
 * @entries: the entries to submit
 */
struct udp_ring {
	int fd;
	unsigned int queued;
	struct io_uring_params params;
	uint8_t *queues;
	size_t queues_len;
	struct io_uring_sqe *entries;
	size_t entries_len;
};

static unsigned int *field(const struct udp_ring *ring, unsigned int offset)
{
	return (unsigned int *)(ring->queues + offset);
}

/*
 * The filter of system calls sees io_uring_enter(2), but not what it does. So nobody can make the
 * ring do anything else, nor register anything (since Linux 5.10).
 */
static int restrict_to_sending(int fd)
{
	struct io_uring_restriction allowed[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SENDMSG },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = 0 },
	};

	if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_RESTRICTIONS, allowed,
		    ARRAY_LEN(allowed)) ||
	    syscall(SYS_io_uring_register, fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return -errno;
	return 0;
}

static void *map(const struct udp_ring *ring, size_t len, off_t what)
{
	void *memory =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, what);

	if (memory == MAP_FAILED)
		return NULL;
	return memory;
}

/* Since Linux 5.4 one mapping has both queues. */
static int map_queues(struct udp_ring *ring)
{
	const struct io_sqring_offsets *sq = &ring->params.sq_off;
	const struct io_cqring_offsets *cq = &ring->params.cq_off;
	const size_t sq_len = sq->array + ring->params.sq_entries * sizeof(unsigned int);
	const size_t cq_len = cq->cqes + ring->params.cq_entries * sizeof(struct io_uring_cqe);

	if (!(ring->params.features & IORING_FEAT_SINGLE_MMAP))
		return -ENOSYS;
	ring->queues_len = sq_len > cq_len ? sq_len : cq_len;
	ring->entries_len = ring->params.sq_entries * sizeof(struct io_uring_sqe);
	ring->queues = map(ring, ring->queues_len, IORING_OFF_SQ_RING);
	ring->entries = map(ring, ring->entries_len, IORING_OFF_SQES);
	if (!ring->queues || !ring->entries)
		return -ENOMEM;
	for (unsigned int i = 0; i < ring->params.sq_entries; i++)
		field(ring, sq->array)[i] = i;
	return 0;
}

struct udp_ring *udp_ring_new(unsigned int messages)
{
	struct udp_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->params.flags = IORING_SETUP_R_DISABLED;
	ring->fd = (int)syscall(SYS_io_uring_setup, messages, &ring->params);
	if (ring->fd >= 0 && !restrict_to_sending(ring->fd) && !map_queues(ring))
		return ring;
	udp_ring_free(ring);
	return NULL;
}

void udp_ring_free(struct udp_ring *ring)
{
	if (!ring)
		return;
	if (ring->queues)
		munmap(ring->queues, ring->queues_len);
	if (ring->entries)
		munmap(ring->entries, ring->entries_len);
	if (ring->fd >= 0)
		close(ring->fd);
	free(ring);
}

void udp_ring_add(struct udp_ring *ring, int fd, const struct msghdr *message)
{
	unsigned int *tail = field(ring, ring->params.sq_off.tail);

	ring->entries[*tail & (ring->params.sq_entries - 1)] = (struct io_uring_sqe){
		.opcode = IORING_OP_SENDMSG,
		.fd = fd,
		.addr = (uintptr_t)message,
		.len = 1,
		.msg_flags = MSG_DONTWAIT,
		.user_data = ring->queued++,
	};
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

static int enter(const struct udp_ring *ring, unsigned int submitted, unsigned int completed)
{
	return (int)syscall(SYS_io_uring_enter, ring->fd, submitted, completed,
			    IORING_ENTER_GETEVENTS, NULL, 0);
}

/* Return: how many entries the kernel has taken. It takes all unless it is out of memory. */
static unsigned int submit(struct udp_ring *ring)
{
	unsigned int *tail = field(ring, ring->params.sq_off.tail), taken = 0;
	int more = 0;

	while (taken < ring->queued &&
	       ((more = enter(ring, ring->queued - taken, ring->queued - taken)) > 0 ||
		(more < 0 && errno == EINTR)))
		taken += more > 0 ? (unsigned int)more : 0;
	__atomic_store_n(tail, *tail - (ring->queued - taken), __ATOMIC_RELEASE);
	return taken;
}

/* The kernel refers to the messages until they are complete, so this must not give up. */
static void await(const struct udp_ring *ring, unsigned int completions)
{
	const unsigned int head = *field(ring, ring->params.cq_off.head);
	const unsigned int *tail = field(ring, ring->params.cq_off.tail);

	while (__atomic_load_n(tail, __ATOMIC_ACQUIRE) - head < completions) {
		if (enter(ring, 0, completions) < 0 && errno != EINTR)
			abort();
	}
}

void udp_ring_send(struct udp_ring *ring, int results[])
{
	const struct io_uring_cqe *completions =
		(const struct io_uring_cqe *)(ring->queues + ring->params.cq_off.cqes);
	unsigned int *head = field(ring, ring->params.cq_off.head);
	unsigned int taken;

	for (unsigned int i = 0; i < ring->queued; i++)
		results[i] = -ECANCELED;
	taken = submit(ring);
	await(ring, taken);
	for (unsigned int i = 0; i < taken; i++) {
		const struct io_uring_cqe *done =
			&completions[(*head + i) & (ring->params.cq_entries - 1)];

		results[done->user_data] = done->res;
	}
	__atomic_store_n(head, *head + taken, __ATOMIC_RELEASE);
	ring->queued = 0;
}

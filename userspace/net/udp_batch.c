/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "net/udp_batch.h"

/** UDP_MAX_SEGMENTS in Linux 5.15; later versions have a higher limit. */
#define SEGMENTS_MAX 64

static bool are_equal(const struct udp_tx_fields *a, const struct udp_tx_fields *b)
{
	return a->class == b->class && a->ttl == b->ttl && a->dont_fragment == b->dont_fragment;
}

/* Only the last datagram of a message may be shorter, and none is empty. */
static bool fits_in_size(const struct udp_run *run, const struct udp_run *next)
{
	return next->size == run->size || (next->size < run->size && next->datagrams == 1);
}

static bool can_follow(const struct udp_run *run, const struct udp_run *next)
{
	return run->fd == next->fd && !run->is_ended && next->len > 0 && fits_in_size(run, next) &&
	       run->datagrams + next->datagrams <= SEGMENTS_MAX &&
	       run->len + next->len <= UDP_BATCH_PAYLOAD &&
	       are_equal(&run->fields, &next->fields) && addr_equal(&run->to, &next->to);
}

static void extend(struct udp_run *run, const struct udp_run *next)
{
	run->is_ended = next->is_ended || next->size < run->size;
	run->datagrams += next->datagrams;
	run->len += next->len;
}

bool udp_batch_add(struct udp_batch *batch, const struct udp_run *datagram, const uint8_t *data)
{
	uint8_t *copy = batch->bytes + batch->n_bytes;

	if (batch->n_bytes + datagram->len > UDP_BATCH_BYTES)
		return false;
	if (batch->n_runs > 0 && can_follow(&batch->runs[batch->n_runs - 1], datagram)) {
		extend(&batch->runs[batch->n_runs - 1], datagram);
		batch->parts[batch->n_runs - 1].iov_len += datagram->len;
	} else if (batch->n_runs < UDP_BATCH_RUNS) {
		batch->runs[batch->n_runs] = *datagram;
		batch->parts[batch->n_runs++] = (struct iovec){ copy, datagram->len };
	} else {
		return false;
	}
	memcpy(copy, data, datagram->len);
	batch->n_bytes += datagram->len;
	return true;
}

/* The elements are in one array, in the order of udp_batch_add(). */
static int compare(const void *first, const void *second)
{
	const struct udp_run *a = *(const struct udp_run *const *)first;
	const struct udp_run *b = *(const struct udp_run *const *)second;
	int difference = a->fd - b->fd;

	if (difference == 0)
		difference = memcmp(&a->to, &b->to, sizeof(a->to));
	if (difference == 0)
		difference = a < b ? -1 : 1;
	return difference;
}

static void sort(struct udp_batch *batch)
{
	for (unsigned int i = 0; i < batch->n_runs; i++)
		batch->order[i] = &batch->runs[i];
	qsort(batch->order, batch->n_runs, sizeof(*batch->order), compare);
	for (unsigned int i = 0; i < batch->n_runs; i++)
		batch->iov[i] = batch->parts[batch->order[i] - batch->runs];
}

unsigned int udp_batch_merge(struct udp_batch *batch)
{
	struct udp_message *message = batch->messages;
	unsigned int n = 0;

	sort(batch);
	for (unsigned int i = 0; i < batch->n_runs; i++) {
		const struct udp_run *run = batch->order[i];

		if (n > 0 && can_follow(&message->run, run)) {
			extend(&message->run, run);
			message->parts++;
			continue;
		}
		message = &batch->messages[n++];
		message->run = *run;
		message->iov = &batch->iov[i];
		message->parts = 1;
	}
	batch->n_runs = 0;
	batch->n_bytes = 0;
	return n;
}

static void put_control(struct msghdr *header, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *control =
		(struct cmsghdr *)((char *)header->msg_control + header->msg_controllen);

	*control = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	memcpy(CMSG_DATA(control), value, len);
	header->msg_controllen += CMSG_SPACE(len);
}

struct msghdr udp_message_header(struct udp_message *message)
{
	const struct udp_run *run = &message->run;
	struct msghdr header = {
		.msg_name = &message->addr,
		.msg_namelen = addr_to_sockaddr(&run->to, &message->addr),
		.msg_iov = message->iov,
		.msg_iovlen = message->parts,
		.msg_control = &message->control,
	};
	const bool is_v4 = run->to.family == TURNPIKE_IPV4;
	const int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	const uint16_t size = (uint16_t)run->size;

	if (run->fields.class)
		put_control(&header, level, is_v4 ? IP_TOS : IPV6_TCLASS, &run->fields.class,
			    sizeof(run->fields.class));
	if (run->fields.ttl)
		put_control(&header, level, is_v4 ? IP_TTL : IPV6_HOPLIMIT, &run->fields.ttl,
			    sizeof(run->fields.ttl));
	if (run->datagrams > 1)
		put_control(&header, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	return header;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "net/socket.h"
#include "net/udp_tx.h"

#define RUNS_MAX 64
/** UDP_MAX_SEGMENTS in Linux 5.15; later versions have a higher limit. */
#define SEGMENTS_MAX 64
/** Payload of an IPv4 packet: a run is one packet until it is segmented. */
#define PAYLOAD_MAX 65507
#define BYTES_MAX   (4 * PAYLOAD_MAX)
/** Attempts to send a datagram: pending ICMP errors make them fail. */
#define TRIES_MAX 4
/** Datagrams sent one by one after a device or a route has rejected a run. */
#define SINGLES_AFTER_EIO 1024

/**
 * struct run - consecutive datagrams with one destination and the same fields
 * @datagrams: number of datagrams
 * @size:      length of each datagram; the last one may be shorter
 * @is_ended:  the last one is shorter, so none may follow
 */
struct run {
	int fd;
	struct udp_tx_fields fields;
	struct turnpike_addr to;
	unsigned int datagrams;
	size_t size;
	bool is_ended;
	struct iovec iov;
	struct sockaddr_storage addr;
	union {
		struct cmsghdr align;
		char bytes[2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
	} control;
};

/**
 * struct udp_tx - see udp_tx.h
 * @sets_discovery: call socket_before_sending() and socket_after_sending()
 * @singles:        number of datagrams to send one by one before runs are tried again
 */
struct udp_tx {
	bool sets_discovery;
	unsigned int singles;
	uint64_t unsent;
	unsigned int n_runs;
	size_t n_bytes;
	struct mmsghdr messages[RUNS_MAX];
	struct run runs[RUNS_MAX];
	uint8_t bytes[BYTES_MAX];
};

struct udp_tx *udp_tx_new(void)
{
	return calloc(1, sizeof(struct udp_tx));
}

void udp_tx_free(struct udp_tx *tx)
{
	free(tx);
}

void udp_tx_adapt(struct udp_tx *tx, bool in_kernel)
{
	udp_tx_flush(tx);
	tx->sets_discovery = in_kernel;
}

static bool are_equal(const struct udp_tx_fields *a, const struct udp_tx_fields *b)
{
	return a->class == b->class && a->ttl == b->ttl && a->dont_fragment == b->dont_fragment;
}

static bool continues(const struct run *run, int fd, const struct turnpike_addr *to,
		      struct udp_tx_fields fields, size_t len)
{
	return run->fd == fd && are_equal(&run->fields, &fields) && !run->is_ended && len > 0 &&
	       len <= run->size && run->datagrams < SEGMENTS_MAX &&
	       run->iov.iov_len + len <= PAYLOAD_MAX && addr_equal(&run->to, to);
}

static void begin_run(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
		      struct udp_tx_fields fields, size_t len)
{
	struct run *run = &tx->runs[tx->n_runs++];

	run->fd = fd;
	run->fields = fields;
	run->to = *to;
	run->datagrams = 0;
	run->size = len;
	run->is_ended = false;
	run->iov = (struct iovec){ .iov_base = tx->bytes + tx->n_bytes };
}

static bool needs_new_run(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
			  struct udp_tx_fields fields, size_t len)
{
	if (tx->singles > 0) {
		tx->singles--;
		return true;
	}
	return tx->n_runs == 0 || !continues(&tx->runs[tx->n_runs - 1], fd, to, fields, len);
}

void udp_tx_add(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
		struct udp_tx_fields fields, const uint8_t *data, size_t len)
{
	struct run *run;

	if (tx->n_bytes + len > BYTES_MAX)
		udp_tx_flush(tx);
	if (needs_new_run(tx, fd, to, fields, len)) {
		if (tx->n_runs == RUNS_MAX)
			udp_tx_flush(tx);
		begin_run(tx, fd, to, fields, len);
	}
	run = &tx->runs[tx->n_runs - 1];
	memcpy(tx->bytes + tx->n_bytes, data, len);
	tx->n_bytes += len;
	run->iov.iov_len += len;
	run->datagrams++;
	run->is_ended = len < run->size;
}

static void put_control(struct msghdr *message, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *header =
		(struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);

	*header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = level,
		.cmsg_type = type,
	};
	memcpy(CMSG_DATA(header), value, len);
	message->msg_controllen += CMSG_SPACE(len);
}

static struct msghdr make_message(struct run *run)
{
	struct msghdr message = {
		.msg_name = &run->addr,
		.msg_namelen = addr_to_sockaddr(&run->to, &run->addr),
		.msg_iov = &run->iov,
		.msg_iovlen = 1,
		.msg_control = &run->control,
	};
	const bool is_v4 = run->to.family == TURNPIKE_IPV4;
	const int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	const uint16_t size = (uint16_t)run->size;

	if (run->fields.class)
		put_control(&message, level, is_v4 ? IP_TOS : IPV6_TCLASS, &run->fields.class,
			    sizeof(run->fields.class));
	if (run->fields.ttl)
		put_control(&message, level, is_v4 ? IP_TTL : IPV6_HOPLIMIT, &run->fields.ttl,
			    sizeof(run->fields.ttl));
	if (run->datagrams > 1)
		put_control(&message, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	return message;
}

/*
 * A datagram with DF that is too big fails each time, and each failure queues an error. It is still
 * retried once, because EMSGSIZE may also be a pending ICMP error.
 */
static unsigned int tries_max(const struct run *run)
{
	return run->fields.dont_fragment && errno == EMSGSIZE ? 2 : TRIES_MAX;
}

/*
 * A pending ICMP error makes the next call fail, whatever its destination, and is cleared by that
 * (ip(7), IP_RECVERR). So a failed datagram is retried before it is dropped.
 */
static void send_singly(struct udp_tx *tx, const struct run *run)
{
	struct run one = *run;

	one.datagrams = 1;
	for (size_t at = 0; at < run->iov.iov_len; at += run->size) {
		struct msghdr message;
		unsigned int tries = 0;
		size_t left = run->iov.iov_len - at;

		one.iov.iov_base = (uint8_t *)run->iov.iov_base + at;
		one.iov.iov_len = left < run->size ? left : run->size;
		message = make_message(&one);
		while (sendmsg(run->fd, &message, 0) < 0) {
			if (errno != EAGAIN && ++tries < tries_max(run))
				continue;
			tx->unsent++;
			break;
		}
	}
}

/*
 * The kernel rejects a run if its datagrams exceed the path MTU (EINVAL; EMSGSIZE since Linux 6.13)
 * and must be fragmented. With EIO it rejects every run on a route with IPsec, and before
 * Linux 6.11 on a device without checksum offload; runs are tried again after a while.
 */
static bool is_rejected(struct udp_tx *tx, const struct run *run)
{
	if (run->datagrams == 1 || (errno != EINVAL && errno != EMSGSIZE && errno != EIO))
		return false;
	if (errno == EIO)
		tx->singles = SINGLES_AFTER_EIO;
	return true;
}

static void send_runs(struct udp_tx *tx, unsigned int start, unsigned int end)
{
	unsigned int tries = 0;

	while (start < end) {
		const struct run *run = &tx->runs[start];
		int sent = sendmmsg(run->fd, tx->messages + start, end - start, 0);

		if (sent <= 0 && is_rejected(tx, run))
			send_singly(tx, run);
		else if (sent <= 0 && errno != EAGAIN && ++tries < tries_max(run))
			continue;
		else if (sent <= 0)
			tx->unsent += run->datagrams;
		start += sent <= 0 ? 1 : (unsigned int)sent;
		tries = 0;
	}
}

/*
 * Sends runs of one socket with the same DF bit. A client that sets DF must be notified of
 * datagrams that are too big, so from then on sockets receive these errors while they do not send.
 */
static void send_alike(struct udp_tx *tx, unsigned int start, unsigned int end)
{
	const struct run *run = &tx->runs[start];

	tx->sets_discovery |= run->fields.dont_fragment;
	if (tx->sets_discovery)
		socket_before_sending(run->fd, run->to.family, run->fields.dont_fragment);
	send_runs(tx, start, end);
	if (tx->sets_discovery)
		socket_after_sending(run->fd, run->to.family);
}

static bool are_alike(const struct run *a, const struct run *b)
{
	return a->fd == b->fd && a->fields.dont_fragment == b->fields.dont_fragment;
}

bool udp_tx_is_empty(const struct udp_tx *tx)
{
	return tx->n_runs == 0;
}

void udp_tx_flush(struct udp_tx *tx)
{
	const unsigned int n = tx->n_runs;
	unsigned int start = 0;

	for (unsigned int i = 0; i < n; i++)
		tx->messages[i].msg_hdr = make_message(&tx->runs[i]);
	for (unsigned int i = 1; i <= n; i++) {
		if (i < n && are_alike(&tx->runs[i], &tx->runs[start]))
			continue;
		send_alike(tx, start, i);
		start = i;
	}
	tx->n_runs = 0;
	tx->n_bytes = 0;
}

uint64_t udp_tx_unsent(const struct udp_tx *tx)
{
	return tx->unsent;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* struct in6_pktinfo of RFC 3542. */
#define _GNU_SOURCE
#include "net/icmp_sender.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privileged/privileged.h"

/* RFC 4443 section 2.4 (f): a token bucket, of messages rather than bytes. */
#define ERRORS_PER_SECOND 100

struct icmp {
	struct ring_buffer *events;
	int fd4; /* raw sockets; -1: none */
	int fd6;
};

/* Source address of an error, as a control message. */
struct origin {
	int level;
	int type;
	socklen_t len;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} info;
};

static void send_to(int fd, const struct icmp_error *error, const struct origin *origin, void *to,
		    socklen_t to_len)
{
	union {
		char bytes[CMSG_SPACE(sizeof(origin->info))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)error->bytes, error->len };
	struct msghdr msg = { .msg_name = to,
			      .msg_namelen = to_len,
			      .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = CMSG_SPACE(origin->len) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = origin->level;
	cmsg->cmsg_type = origin->type;
	cmsg->cmsg_len = CMSG_LEN(origin->len);
	memcpy(CMSG_DATA(cmsg), &origin->info, origin->len);
	sendmsg(fd, &msg, MSG_DONTWAIT);
}

static void send4(const struct icmp *icmp, const struct icmp_error *error)
{
	struct origin from = { IPPROTO_IP, IP_PKTINFO, sizeof(from.info.v4), { { 0 } } };
	struct sockaddr_in to = { .sin_family = AF_INET };

	memcpy(&from.info.v4.ipi_spec_dst, error->from.ip, sizeof(from.info.v4.ipi_spec_dst));
	memcpy(&to.sin_addr, error->to.ip, sizeof(to.sin_addr));
	send_to(icmp->fd4, error, &from, &to, sizeof(to));
}

static void send6(const struct icmp *icmp, const struct icmp_error *error)
{
	struct origin from = { IPPROTO_IPV6, IPV6_PKTINFO, sizeof(from.info.v6), { { 0 } } };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };

	memcpy(&from.info.v6.ipi6_addr, error->from.ip, sizeof(from.info.v6.ipi6_addr));
	memcpy(&to.sin6_addr, error->to.ip, sizeof(to.sin6_addr));
	send_to(icmp->fd6, error, &from, &to, sizeof(to));
}

/* Errors are best effort: one that cannot be sent is lost. */
static int on_event(void *ctx, void *data, size_t size)
{
	const struct turnpike_event_record *record = data;
	struct icmp *icmp = ctx;
	struct icmp_error error;

	if (size < sizeof(*record) || record->event.len > sizeof(record->frame) ||
	    icmp_build(&record->event, record->frame, &error))
		return 0;
	if (error.to.family == TURNPIKE_IPV4)
		send4(icmp, &error);
	else
		send6(icmp, &error);
	return 0;
}

struct icmp_family {
	__u32 is_v6;
};

static int run_open(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct icmp_family *family = args;

	(void)privileged;
	(void)result;
	if (family->is_v6)
		*fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	else
		*fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	return *fd < 0 ? -errno : 0;
}

OPERATION(icmp_operation_open, OPERATION_OPEN_ICMP, run_open, struct icmp_family, struct nothing);

/* Return: -1: none. */
static int open_socket(struct privileged *privileged, bool is_v6)
{
	const struct icmp_family family = { is_v6 };
	struct nothing nothing;
	int fd = -1;

	privileged_call(privileged, &icmp_operation_open, &family, &nothing, &fd);
	return fd;
}

int icmp_open(struct privileged *privileged, int events, struct turnpike_policer *limit,
	      struct icmp **ret)
{
	struct icmp *icmp = calloc(1, sizeof(*icmp));

	if (!icmp)
		return -ENOMEM;
	*limit = turnpike_policer_make(TURNPIKE_POLICER_PACKETS, ERRORS_PER_SECOND,
				       ERRORS_PER_SECOND);
	icmp->fd4 = open_socket(privileged, false);
	icmp->fd6 = open_socket(privileged, true);
	icmp->events = ring_buffer__new(events, on_event, icmp, NULL);
	if (!icmp->events) {
		const int err = -errno;

		icmp_close(icmp);
		return err;
	}
	*ret = icmp;
	return 0;
}

static void close_socket(int fd)
{
	if (fd >= 0)
		close(fd);
}

void icmp_close(struct icmp *icmp)
{
	if (!icmp)
		return;
	ring_buffer__free(icmp->events);
	close_socket(icmp->fd4);
	close_socket(icmp->fd6);
	free(icmp);
}

int icmp_fd(const struct icmp *icmp)
{
	return ring_buffer__epoll_fd(icmp->events);
}

void icmp_poll(struct icmp *icmp)
{
	ring_buffer__consume(icmp->events);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "private/array_len.h"

#define BATCH        64
#define WAIT_MS      10
#define BUFFER_BYTES (8 << 20)

/** struct slot - the buffers of one struct msghdr */
struct slot {
	struct sockaddr_in addr;
	struct iovec iov;
	uint8_t data[UDP_ROOM];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
	} control;
};

struct udp {
	int fd;
	unsigned int queued;
	int error; /* last error of sending since udp_flush() */
	struct mmsghdr out[BATCH], in[BATCH];
	struct slot out_slots[BATCH], in_slots[BATCH];
};

/* A socket belongs to the namespace in which it was created. */
static int open_in(const char *namespace)
{
	int home, there, fd = -1;

	if (!namespace)
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(namespace, O_RDONLY | O_CLOEXEC);
	if (home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (setns(home, CLONE_NEWNET))
			abort();
	}
	close(home);
	close(there);
	return fd;
}

static int set_up(int fd, uint16_t port)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	const int bytes = BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		return -errno;
	return 0;
}

static void set_message(struct mmsghdr *message, struct slot *slot)
{
	slot->iov = (struct iovec){ .iov_base = slot->data, .iov_len = sizeof(slot->data) };
	message->msg_hdr = (struct msghdr){
		.msg_name = &slot->addr,
		.msg_namelen = sizeof(slot->addr),
		.msg_iov = &slot->iov,
		.msg_iovlen = 1,
	};
}

static void put_control(struct mmsghdr *message, int level, int type, const void *value, size_t len)
{
	struct msghdr *header = &message->msg_hdr;
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

int udp_open(const char *namespace, uint16_t port, struct udp **ret)
{
	struct udp *udp = calloc(1, sizeof(*udp));
	int err;

	if (!udp)
		return -ENOMEM;
	udp->fd = open_in(namespace);
	err = udp->fd < 0 ? -errno : set_up(udp->fd, port);
	if (err) {
		udp_close(udp);
		return err;
	}
	for (unsigned int i = 0; i < BATCH; i++) {
		set_message(&udp->out[i], &udp->out_slots[i]);
		set_message(&udp->in[i], &udp->in_slots[i]);
	}
	*ret = udp;
	return 0;
}

void udp_close(struct udp *udp)
{
	if (!udp)
		return;
	if (udp->fd >= 0)
		close(udp->fd);
	free(udp);
}

/* A datagram that cannot be sent is lost, as usual with UDP. */
static void send_queued(struct udp *udp)
{
	unsigned int start = 0;

	while (start < udp->queued) {
		int sent = sendmmsg(udp->fd, udp->out + start, udp->queued - start, 0);

		if (sent <= 0)
			udp->error = -errno;
		start += sent <= 0 ? 1 : (unsigned int)sent;
	}
	udp->queued = 0;
}

uint8_t *udp_next(struct udp *udp)
{
	if (udp->queued == BATCH)
		send_queued(udp);
	return udp->out_slots[udp->queued].data;
}

void udp_send(struct udp *udp, struct in_addr local, const struct sockaddr_in *to, size_t len)
{
	struct mmsghdr *message = &udp->out[udp->queued];
	struct slot *slot = &udp->out_slots[udp->queued];
	const struct in_pktinfo info = { .ipi_spec_dst = local };

	slot->addr = *to;
	slot->iov.iov_len = len;
	message->msg_hdr.msg_control = &slot->control;
	message->msg_hdr.msg_controllen = 0;
	put_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	udp->queued++;
}

void udp_send_run(struct udp *udp, struct in_addr local, const struct sockaddr_in *to, size_t len,
		  uint16_t size)
{
	struct mmsghdr *message = &udp->out[udp->queued];

	udp_send(udp, local, to, len);
	put_control(message, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
}

int udp_flush(struct udp *udp)
{
	int err;

	send_queued(udp);
	err = udp->error;
	udp->error = 0;
	return err;
}

unsigned int udp_receive(struct udp *udp)
{
	int received = recvmmsg(udp->fd, udp->in, BATCH, MSG_DONTWAIT, NULL);

	return received < 0 ? 0 : (unsigned int)received;
}

void udp_wait(const struct udp *a, const struct udp *b)
{
	struct pollfd sockets[] = { { .fd = a->fd, .events = POLLIN },
				    { .fd = b->fd, .events = POLLIN } };

	poll(sockets, ARRAY_LEN(sockets), WAIT_MS);
}

struct udp_datagram udp_received(const struct udp *udp, unsigned int index)
{
	const struct slot *slot = &udp->in_slots[index];

	return (struct udp_datagram){ slot->addr, slot->data, udp->in[index].msg_len };
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Splits datagrams that the kernel has merged. A table replaces recvmmsg(). */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/udp_rx.h"
#include "private/array_len.h"

/** struct arrival - a message from recvmmsg(); @merged: UDP_GRO size, 0: not merged */
struct arrival {
	size_t len;
	int merged;
	int class;
	int ttl;
	bool is_v6;
};

static const struct arrival *arrivals;
static unsigned int n_arrivals;
static unsigned int asked;

static uint8_t byte_at(unsigned int message, size_t offset)
{
	return (uint8_t)(message * 31 + offset * 7 + offset / 256);
}

static void put(struct msghdr *message, size_t *used, int level, int type, const void *value,
		size_t len)
{
	struct cmsghdr *header = (struct cmsghdr *)((char *)message->msg_control + *used);

	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(len),
				    .cmsg_level = level,
				    .cmsg_type = type };
	memcpy(CMSG_DATA(header), value, len);
	*used += CMSG_SPACE(len);
}

static void put_control(struct msghdr *message, const struct arrival *arrival)
{
	uint8_t tos = (uint8_t)arrival->class;
	size_t used = 0;

	if (arrival->is_v6) {
		put(message, &used, IPPROTO_IPV6, IPV6_HOPLIMIT, &arrival->ttl, sizeof(int));
		put(message, &used, IPPROTO_IPV6, IPV6_TCLASS, &arrival->class, sizeof(int));
	} else {
		put(message, &used, IPPROTO_IP, IP_TTL, &arrival->ttl, sizeof(int));
		put(message, &used, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
	if (arrival->merged)
		put(message, &used, IPPROTO_UDP, UDP_GRO, &arrival->merged, sizeof(int));
	assert_in_range(used, 0, message->msg_controllen);
	message->msg_controllen = used;
}

static void put_address(struct msghdr *message, unsigned int index)
{
	struct sockaddr_in *v4 = message->msg_name;
	struct sockaddr_in6 *v6 = message->msg_name;

	assert_int_equal(message->msg_namelen, sizeof(struct sockaddr_storage));
	memset(v6, 0, sizeof(*v6));
	if (arrivals[index].is_v6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)(1000 + index));
		message->msg_namelen = sizeof(*v6);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)(1000 + index));
		message->msg_namelen = sizeof(*v4);
	}
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags,
		    struct timespec *timeout);

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags,
		    struct timespec *timeout)
{
	(void)fd;
	(void)flags;
	(void)timeout;
	asked = n;
	assert_in_range(n_arrivals, 0, n);
	for (unsigned int i = 0; i < n_arrivals; i++) {
		struct msghdr *message = &messages[i].msg_hdr;
		uint8_t *bytes = message->msg_iov[0].iov_base;

		assert_in_range(arrivals[i].len, 0, message->msg_iov[0].iov_len);
		for (size_t offset = 0; offset < arrivals[i].len; offset++)
			bytes[offset] = byte_at(i, offset);
		messages[i].msg_len = (unsigned int)arrivals[i].len;
		put_address(message, i);
		put_control(message, &arrivals[i]);
	}
	return n_arrivals > 0 ? (int)n_arrivals : -1;
}

/* The core may overwrite all of the headroom and tailroom. */
static void overwrite(const struct turn_packet *packet)
{
	memset(packet->data - TURN_HEADROOM, 0xee, TURN_HEADROOM + packet->len + TURN_TAILROOM);
}

static void expect_fields(const struct udp_rx *rx, const uint8_t *data, int class, int ttl)
{
	const struct udp_tx_fields fields = udp_rx_fields(rx, data);

	assert_int_equal(fields.class, class);
	assert_int_equal(fields.ttl, ttl);
	assert_false(fields.dont_fragment);
}

static void expect_datagram(struct udp_rx *rx, unsigned int message, size_t offset, size_t len)
{
	struct turn_packet packet;
	struct turnpike_addr from;

	assert_true(udp_rx_next(rx, &packet, &from));
	assert_int_equal(packet.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(packet.data[i], byte_at(message, offset + i));
	assert_int_equal(ntohs(from.port), 1000 + message);
	assert_int_equal(from.family, arrivals[message].is_v6 ? TURNPIKE_IPV6 : TURNPIKE_IPV4);
	assert_int_equal(packet.ttl, arrivals[message].ttl ? arrivals[message].ttl : 1);
	expect_fields(rx, packet.data, arrivals[message].class, packet.ttl - 1);
	expect_fields(rx, packet.data - TURN_HEADROOM, arrivals[message].class, packet.ttl - 1);
	expect_fields(rx, (const uint8_t *)&packet, 0, 0);
	overwrite(&packet);
}

static void expect_all(struct udp_rx *rx)
{
	struct turn_packet packet;
	struct turnpike_addr from;

	assert_int_equal(udp_rx_receive(rx, 3, UDP_RX_MESSAGES), n_arrivals);
	for (unsigned int i = 0; i < n_arrivals; i++) {
		const struct arrival *arrival = &arrivals[i];
		size_t size = arrival->merged ? (size_t)arrival->merged : arrival->len, offset = 0;

		do {
			size_t left = arrival->len - offset, len = left < size ? left : size;

			expect_datagram(rx, i, offset, len);
			offset += len;
		} while (offset < arrival->len);
	}
	assert_false(udp_rx_next(rx, &packet, &from));
}

static void splits_merged_datagrams(void **state)
{
	static const struct arrival table[] = {
		{ .len = 160, .ttl = 64 },
		{ .len = 0, .class = 0xb8, .ttl = 255 },
		{ .len = 1 },
		{ .len = 64 * 1000, .merged = 1000, .class = 0x2e, .ttl = 2 },
		{ .len = 64 * 1000 + 1, .merged = 1000, .is_v6 = true, .class = 0x03, .ttl = 63 },
		{ .len = 4, .is_v6 = true, .ttl = 1 },
		{ .len = 64, .merged = 1 },
		{ .len = 7, .merged = 2, .class = 1 },
		{ .len = 1200, .merged = 1200 },
		{ .len = 65507 },
		{ .len = 65535, .merged = 1400 },
		{ .len = 0, .is_v6 = true },
	};
	struct udp_rx *rx = udp_rx_new();

	(void)state;
	assert_non_null(rx);
	arrivals = table;
	n_arrivals = ARRAY_LEN(table);
	expect_all(rx);
	n_arrivals = 0;
	expect_all(rx);
	n_arrivals = 3;
	expect_all(rx);
	udp_rx_free(rx);
}

static void discards_the_rest_of_a_batch(void **state)
{
	static const struct arrival table[] = { { .len = 500, .merged = 100 }, { .len = 20 } };
	struct udp_rx *rx = udp_rx_new();
	struct turn_packet packet;
	struct turnpike_addr from;

	(void)state;
	assert_non_null(rx);
	arrivals = table;
	n_arrivals = 2;
	assert_int_equal(udp_rx_receive(rx, 3, UDP_RX_MESSAGES), 2);
	assert_true(udp_rx_next(rx, &packet, &from));
	assert_int_equal(udp_rx_datagrams(rx), 1);
	expect_all(rx);
	udp_rx_free(rx);
}

/* The next batch has some 256 datagrams, whatever a message has. */
static void expect_messages(const struct arrival *table, unsigned int n, unsigned int messages)
{
	struct udp_rx *rx = udp_rx_new();

	assert_non_null(rx);
	arrivals = table;
	n_arrivals = n;
	expect_all(rx);
	assert_int_equal(udp_rx_messages(rx), messages);
	udp_rx_free(rx);
}

static void limits_a_batch(void **state)
{
	static const struct arrival single[] = { { .len = 160 }, { .len = 160 } };
	static const struct arrival eights[] = { { .len = 1280, .merged = 160 } };
	static const struct arrival runs[] = { { .len = 64 * 160, .merged = 160 } };
	static const struct arrival mixed[] = { { .len = 6400, .merged = 200 }, { .len = 20 } };
	static const struct arrival longest[] = { { .len = 64000, .merged = 160 } };

	(void)state;
	expect_messages(single, 2, UDP_RX_MESSAGES);
	expect_messages(eights, 1, UDP_RX_MESSAGES);
	expect_messages(runs, 1, 4);
	expect_messages(mixed, 2, 15);
	expect_messages(longest, 1, 1);
	expect_messages(single, 0, UDP_RX_MESSAGES);
}

/* The caller's limit is the kernel's. */
static void receives_what_is_asked_for(void **state)
{
	static const struct arrival table[] = { { .len = 160 }, { .len = 160 } };
	struct udp_rx *rx = udp_rx_new();

	(void)state;
	assert_non_null(rx);
	arrivals = table;
	n_arrivals = 2;
	assert_int_equal(udp_rx_receive(rx, 3, 2), 2);
	assert_int_equal(asked, 2);
	udp_rx_free(rx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_merged_datagrams),
		cmocka_unit_test(discards_the_rest_of_a_batch),
		cmocka_unit_test(limits_a_batch),
		cmocka_unit_test(receives_what_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

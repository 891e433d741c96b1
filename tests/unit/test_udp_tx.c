/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Merges datagrams into runs. The mocked kernel splits the runs and records the datagrams. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/udp_tx.h"
#include "private/array_len.h"

#define SENT_MAX   8192
#define FDS        300
#define FIRST_PORT 1000
#define PORTS      8

/** struct datagram - as passed to udp_tx_add(), or as sent */
struct datagram {
	int fd;
	uint16_t port;
	int class;
	size_t len;
	uint32_t first; /* first bytes of its payload */
	bool dont_fragment;
	int ttl;
};

static struct {
	struct datagram wanted[SENT_MAX], sent[SENT_MAX];
	unsigned int n_wanted, n_sent, n_messages, n_calls, n_options;
	size_t longest_run; /* longest datagrams in a run; fails with @run_errno otherwise */
	int run_errno;
	int errors;    /* number of calls that fail with ECONNREFUSED, as after ICMP errors */
	int discovery; /* IP_MTU_DISCOVER, as set last on any socket */
} kernel;

static struct udp_tx *tx;

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.longest_run = SIZE_MAX;
	tx = udp_tx_new();
	return tx ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	udp_tx_free(tx);
	return 0;
}

static uint32_t first_bytes(const uint8_t *data, size_t len)
{
	uint32_t value = 0;

	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	return value;
}

static void read_control(const struct msghdr *message, int *class, int *ttl, size_t *size)
{
	struct msghdr copy = *message;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(&copy); header;
	     header = CMSG_NXTHDR(&copy, header)) {
		uint16_t segment;

		if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_SEGMENT) {
			memcpy(&segment, CMSG_DATA(header), sizeof(segment));
			*size = segment;
		} else if ((header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
			   (header->cmsg_level == IPPROTO_IPV6 &&
			    header->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(ttl, CMSG_DATA(header), sizeof(*ttl));
		} else {
			assert_true(
				(header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS) ||
				(header->cmsg_level == IPPROTO_IPV6 &&
				 header->cmsg_type == IPV6_TCLASS));
			memcpy(class, CMSG_DATA(header), sizeof(*class));
		}
	}
}

/* Return: the bytes of all parts. */
static const uint8_t *join(const struct msghdr *message, size_t *len)
{
	static uint8_t bytes[65507];

	*len = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++) {
		const struct iovec *part = &message->msg_iov[i];

		assert_in_range(part->iov_len, 0, sizeof(bytes) - *len);
		memcpy(bytes + *len, part->iov_base, part->iov_len);
		*len += part->iov_len;
	}
	return bytes;
}

static int take(int fd, const struct msghdr *message)
{
	const struct sockaddr_in *to = message->msg_name;
	size_t len, size, offset = 0;
	const uint8_t *data = join(message, &len);
	int class = 0, ttl = 0;

	size = len;

	if (kernel.errors > 0) {
		kernel.errors--;
		errno = ECONNREFUSED;
		return -1;
	}
	read_control(message, &class, &ttl, &size);
	if (len > size && size > kernel.longest_run) {
		errno = kernel.run_errno;
		return -1;
	}
	assert_in_range(len, 0, size * 64);
	kernel.n_messages++;
	do {
		size_t left = len - offset, this_len = left < size ? left : size;

		assert_in_range(kernel.n_sent, 0, SENT_MAX - 1);
		kernel.sent[kernel.n_sent++] =
			(struct datagram){ fd,
					   ntohs(to->sin_port),
					   class,
					   this_len,
					   first_bytes(data + offset, this_len),
					   kernel.discovery == IP_PMTUDISC_PROBE,
					   ttl };
		offset += this_len;
	} while (offset < len);
	return (int)len;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	(void)flags;
	kernel.n_calls++;
	return take(fd, message);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int n, int flags)
{
	unsigned int i = 0;

	(void)flags;
	kernel.n_calls++;
	while (i < n && take(fd, &messages[i].msg_hdr) >= 0)
		i++;
	return i > 0 ? (int)i : -1;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	(void)fd;
	assert_int_equal(level, IPPROTO_IP);
	assert_int_equal(name, IP_MTU_DISCOVER);
	assert_int_equal(len, sizeof(kernel.discovery));
	memcpy(&kernel.discovery, value, sizeof(kernel.discovery));
	kernel.n_options++;
	return 0;
}

static void add_with(int fd, uint16_t port, struct udp_tx_fields fields, size_t len)
{
	static uint8_t data[65536];
	struct turnpike_addr to = { .family = port & 1 ? TURNPIKE_IPV6 : TURNPIKE_IPV4,
				    .port = htons(port) };

	memcpy(data, &kernel.n_wanted, sizeof(kernel.n_wanted));
	kernel.wanted[kernel.n_wanted++] = (struct datagram){
		fd,        port, fields.class, len, first_bytes(data, len), fields.dont_fragment,
		fields.ttl
	};
	udp_tx_add(tx, fd, &to, fields, data, len);
	memset(data, 0xff, sizeof(kernel.n_wanted)); /* udp_tx_add() has copied it */
}

static void add(int fd, uint16_t port, int class, size_t len)
{
	add_with(fd, port, (struct udp_tx_fields){ .class = class }, len);
}

/* Return: the next wanted datagram of the flow of @sent. */
static const struct datagram *wanted_next(unsigned int from[FDS][PORTS],
					  const struct datagram *sent)
{
	unsigned int *i = &from[sent->fd][sent->port - FIRST_PORT];

	while (*i < kernel.n_wanted) {
		const struct datagram *wanted = &kernel.wanted[(*i)++];

		if (wanted->fd == sent->fd && wanted->port == sent->port)
			return wanted;
	}
	return NULL;
}

static void expect_all_sent(void)
{
	unsigned int from[FDS][PORTS] = { 0 };

	udp_tx_flush(tx);
	assert_true(udp_tx_is_empty(tx));
	assert_int_equal(kernel.n_sent, kernel.n_wanted);
	for (unsigned int i = 0; i < kernel.n_sent; i++) {
		const struct datagram *b = &kernel.sent[i], *a = wanted_next(from, b);

		assert_non_null(a);
		assert_int_equal(a->class, b->class);
		assert_int_equal(a->len, b->len);
		assert_int_equal(a->first, b->first);
		assert_int_equal(a->dont_fragment, b->dont_fragment);
		assert_int_equal(a->ttl, b->ttl);
	}
}

static void expect_messages(unsigned int n)
{
	expect_all_sent();
	assert_int_equal(kernel.n_messages, n);
}

static void add_equal(unsigned int n, size_t len)
{
	while (n-- > 0)
		add(3, 1000, 0, len);
}

static void merges_equal_datagrams(void **state)
{
	(void)state;
	add_equal(64, 164);
	expect_messages(1);
	assert_int_equal(kernel.n_calls, 1);
	assert_int_equal(kernel.n_options, 0);
}

static void merges_64_datagrams_at_most(void **state)
{
	(void)state;
	add_equal(65, 164);
	expect_messages(2);
}

static void merges_one_ip_packet_at_most(void **state)
{
	(void)state;
	add_equal(64, 1472);
	expect_messages(2);
}

static void ends_a_run_with_a_shorter_one(void **state)
{
	(void)state;
	add_equal(3, 100);
	add_equal(1, 99);
	add_equal(1, 99);
	add_equal(1, 100);
	expect_messages(3);
}

static void does_not_merge_empty_ones(void **state)
{
	(void)state;
	add_equal(2, 10);
	add_equal(2, 0);
	add_equal(2, 1);
	expect_messages(4);
}

static void does_not_merge_different_ones(void **state)
{
	(void)state;
	add(3, 1000, 0, 100);
	add(3, 1001, 0, 100);
	add(3, 1002, 0, 100);
	add(3, 1002, 0xb8, 100);
	add(3, 1002, 0xb9, 100);
	add(4, 1002, 0xb9, 100);
	expect_messages(6);
	assert_int_equal(kernel.n_calls, 2);
}

static void merges_datagrams_of_flows_that_take_turns(void **state)
{
	(void)state;
	for (int turn = 0; turn < 60; turn++) {
		add(3 + turn % 2, 1000, 0, 100);
		add(3, 1001, 0, 100);
	}
	expect_messages(3);
	assert_int_equal(kernel.n_calls, 2);
}

/* A shorter one is the last of its message, also if another flow's follow. */
static void merges_turns_of_several_sizes(void **state)
{
	(void)state;
	for (int turn = 0; turn < 3; turn++) {
		add(3, 1000, 0, 100);
		add(3, 1000, 0, 100);
		add(4, 1000, 0, 100);
		if (turn == 1)
			add(3, 1000, 0, 99);
	}
	expect_messages(2 + 1);
	add(3, 1000, 0, 99);
	add(4, 1000, 0, 100);
	add(3, 1000, 0, 100);
	add(3, 1000, 0, 100);
	expect_messages(2 + 1 + 3);
}

static void sends_turns_singly_that_must_be_fragmented(void **state)
{
	(void)state;
	kernel.longest_run = 1472;
	kernel.run_errno = EINVAL;
	for (int turn = 0; turn < 4; turn++) {
		add(3, 1000, 0, 1473);
		add(3, 1000, 0, 1473);
		add(4, 1000, 0, 1472);
	}
	add(3, 1000, 0, 7);
	expect_messages(8 + 1 + 1);
}

static void takes_more_flows_than_a_batch_has(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * 296; i++)
		add(3 + i % 296, 1000, 0, 100);
	expect_messages(2 * 296);
}

/* Also where a run is sent singly. */
static void keeps_ttls_apart(void **state)
{
	const struct udp_tx_fields far = { .ttl = 63 }, near = { .ttl = 1, .class = 0xb8 };

	(void)state;
	for (uint16_t port = 1000; port < 1002; port++) {
		add_with(3, port, far, 100);
		add_with(3, port, far, 100);
		add_with(3, port, near, 100);
		add_with(3, port, near, 100);
		add(3, port, 0xb8, 100);
		add_with(3, port, far, 100);
	}
	expect_messages(2 * 4);
	kernel.longest_run = 50;
	kernel.run_errno = EINVAL;
	add_with(3, 1000, far, 100);
	add_with(3, 1000, far, 100);
	expect_messages(2 * 4 + 2);
}

static void sends_what_must_be_fragmented_singly(void **state)
{
	static const int errnos[] = { EINVAL, EMSGSIZE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		kernel.longest_run = 1472;
		kernel.run_errno = errnos[i];
		add_equal(3, 1000);
		add_equal(3, 1473);
		add_equal(1, 5);
		add_equal(3, 1000);
		expect_all_sent();
	}
	assert_int_equal(kernel.n_messages, 2 * (1 + 4 + 1));
	assert_int_equal(udp_tx_unsent(tx), 0);
}

/* Runs are tried again only after 1024 datagrams. */
static void sends_singly_after_eio(void **state)
{
	(void)state;
	kernel.longest_run = 0;
	kernel.run_errno = EIO;
	add_equal(10, 100);
	expect_messages(10);
	kernel.longest_run = SIZE_MAX;
	add_equal(1024, 100);
	expect_messages(10 + 1024);
	add_equal(64, 100);
	expect_messages(10 + 1024 + 1);
}

static void retries_after_icmp_errors(void **state)
{
	(void)state;
	kernel.errors = 1;
	add_equal(10, 100);
	expect_messages(1);
	kernel.longest_run = 50;
	kernel.run_errno = EINVAL;
	add_equal(3, 100);
	udp_tx_flush(tx);
	kernel.errors = 100;
	add_equal(3, 100);
	kernel.n_wanted -= 3;
	expect_all_sent();
	assert_int_equal(udp_tx_unsent(tx), 3);
}

static void clears_df_while_sending(void **state)
{
	(void)state;
	udp_tx_adapt(tx, true);
	add_equal(64, 100);
	add(4, 1000, 0, 100);
	expect_messages(2);
	assert_int_equal(kernel.n_options, 4);
}

/* After a datagram with DF, sockets have IP_PMTUDISC_WANT while they do not send. */
static void sets_df_per_datagram(void **state)
{
	const struct udp_tx_fields df = { .dont_fragment = true };

	(void)state;
	add(3, 1000, 0, 100);
	add_with(3, 1000, df, 100);
	add_with(3, 1000, df, 100);
	add(3, 1000, 0, 100);
	expect_messages(3);
	assert_int_equal(kernel.n_options, 2 + 2);
	assert_int_equal(kernel.discovery, IP_PMTUDISC_WANT);
	add(3, 1000, 0, 100);
	expect_messages(4);
	assert_int_equal(kernel.n_options, 2 + 2 + 2);
	assert_int_equal(kernel.discovery, IP_PMTUDISC_WANT);
	udp_tx_adapt(tx, false);
	add(3, 1000, 0, 100);
	expect_messages(5);
	assert_int_equal(kernel.n_options, 2 + 2 + 2);
}

static void sends_random_datagrams_in_order(void **state)
{
	static const size_t lens[] = { 0,   1,    4,    100,  100,  100,  164,
				       164, 1200, 1472, 1473, 9000, 65507 };

	(void)state;
	srand(1);
	kernel.longest_run = 1472;
	kernel.run_errno = EINVAL;
	for (int i = 0; i < 4000; i++) {
		uint16_t port = (uint16_t)(1000 + 2 * (rand() % 2));
		int fd = 3 + rand() % 3;
		size_t len = lens[(size_t)rand() % ARRAY_LEN(lens)];

		for (int n = rand() % 3; n >= 0 && kernel.n_wanted < SENT_MAX; n--)
			add_with(fd, port,
				 (struct udp_tx_fields){ .class = rand() % 4 == 0,
							 .ttl = rand() % 8 == 0 ? 7 : 63 },
				 len);
		if (rand() % 50 == 0)
			expect_all_sent();
	}
	expect_all_sent();
	assert_in_range(kernel.n_messages, 1, kernel.n_sent - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(merges_equal_datagrams, setup, teardown),
		cmocka_unit_test_setup_teardown(merges_64_datagrams_at_most, setup, teardown),
		cmocka_unit_test_setup_teardown(merges_one_ip_packet_at_most, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_a_run_with_a_shorter_one, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_merge_empty_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(does_not_merge_different_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(merges_datagrams_of_flows_that_take_turns, setup,
						teardown),
		cmocka_unit_test_setup_teardown(merges_turns_of_several_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_turns_singly_that_must_be_fragmented, setup,
						teardown),
		cmocka_unit_test_setup_teardown(takes_more_flows_than_a_batch_has, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_ttls_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_what_must_be_fragmented_singly, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sends_singly_after_eio, setup, teardown),
		cmocka_unit_test_setup_teardown(retries_after_icmp_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(clears_df_while_sending, setup, teardown),
		cmocka_unit_test_setup_teardown(sets_df_per_datagram, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_random_datagrams_in_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

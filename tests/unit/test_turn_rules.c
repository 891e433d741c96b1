/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules of RFC 8656 that apply to all methods. */
#include <arpa/inet.h>
#include <string.h>

#include "private/array_len.h"
#include "turn_fixture.h"

#define PEER "198.51.100.2:7000"

static void expect_software(const struct fixture *f)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_SOFTWARE, &attr), 0);
	assert_int_equal(attr.len, strlen("turnpike"));
	assert_memory_equal(attr.value, "turnpike", attr.len);
}

/* Section 5: SOFTWARE is in all responses to Allocate and Refresh, including errors. */
static void test_software(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
	expect_error(f, 401);
	expect_software(f);
	refresh(f, 0);
	expect_error(f, 437);
	expect_software(f);
	allocate(f);
	expect_software(f);
	refresh(f, 600);
	expect_success(f, &f->alice);
	expect_software(f);
	fixture_free(f);
}

/* Section 5: reprocessing gives the same response and changes nothing but expiries. */
static void test_repeated_requests(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t start = f->now;

	(void)state;
	allocate(f);
	create_permission(f, "198.51.100.1");
	f->now += SECOND;
	send_plain(f);
	expect_success(f, &f->alice);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->permissions, 1);
	channel_bind(f, 0x4000, PEER);
	f->now += SECOND;
	send_plain(f);
	expect_success(f, &f->alice);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_true(event(f, 0)->flow.channel_expiry_ns == start + 600 * SECOND);
	assert_true(event(f, 0)->flow.permission_expiry_ns == start + 302 * SECOND);
	assert_int_equal(stats(f)->permissions, 2);
	assert_int_equal(stats(f)->channels, 1);
	assert_int_equal(stats(f)->flows, 1);
	/* Errors, too. */
	channel_bind(f, 0x4001, PEER);
	expect_error(f, 400);
	send_plain(f);
	expect_error(f, 400);
	fixture_free(f);
}

/* Sections 6, 11.2 and 12.6: data refreshes neither allocation nor permission nor channel. */
static void test_data_refreshes_nothing(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t start = f->now;

	(void)state;
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	for (f->now = start; f->now < start + 600 * SECOND; f->now += 50 * SECOND) {
		from_client(f, "\x40\x00\x00\x01x", 5);
		send_indication(f, PEER, "x");
		from_peer(f, "192.0.2.1", PEER, "y", 1);
	}
	/* ChannelData passes until the channel expires, other data until the permission does. */
	assert_int_equal(stats(f)->to_peer.packets, 12 + 6);
	assert_int_equal(stats(f)->to_client.packets, 6);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_PERMISSION], 6 + 6);
	clear(f);
	expire_at(f, start + 600 * SECOND);
	expect_events(f, REMOVE_FLOW, CLOSE_RELAY, 0);
	fixture_free(f);
}

static void allocate_with(struct fixture *f, enum stun_attr_type type, const char *value)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	if (type != STUN_ATTR_REQUESTED_TRANSPORT)
		stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT,
			       TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, type, value, type == STUN_ATTR_EVEN_PORT ? 1 : 4);
	send_signed(f, &f->alice);
}

/* Sections 18.1 and 18.6 to 18.8: reserved bits are ignored. */
static void test_reserved_bits(void **state)
{
	static const struct {
		enum stun_attr_type type;
		const char *value;
	} rows[] = {
		{ STUN_ATTR_REQUESTED_TRANSPORT, "\x11\xff\xff\xff" },
		{ STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\x02\xff\xff\xff" },
		{ STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\x02\xff\xff\xff" },
		{ STUN_ATTR_EVEN_PORT, "\x7f" },
	};
	struct fixture *f = fixture_default();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		allocate_with(f, rows[i].type, rows[i].value);
		expect_success(f, &f->alice);
		assert_int_equal(stats(f)->relays, i == 2 ? 2 : 1);
		release(f);
	}
	fixture_free(f);
}

static uint16_t port_after(uint32_t random)
{
	struct fixture *f = fixture_default();
	uint16_t port;

	f->random = random;
	allocate(f);
	port = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS).port;
	fixture_free(f);
	return ntohs(port);
}

/* Section 7.2: ports are random (RFC 6056), within 49152 to 65535. */
static void test_random_ports(void **state)
{
	int same = 0;

	(void)state;
	for (uint32_t i = 1; i < 20; i++) {
		uint16_t port = port_after(i * 0x9e3779b9);

		assert_in_range(port, 49152, 65535);
		assert_int_equal(port, port_after(i * 0x9e3779b9));
		same += port == port_after(i * 0x9e3779b9 + 0x10000);
	}
	assert_true(same < 3);
}

/* Section 11.2: indications with missing or invalid attributes are dropped silently. */
static void test_invalid_send(void **state)
{
	struct turnpike_addr peer = addr(PEER);
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	create_permission(f, PEER);
	begin(f, STUN_INDICATION, TURN_SEND);
	stun_write_bytes(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, "\0\1\0\0\0\0\0", 7);
	stun_write_string(&f->request, STUN_ATTR_DATA, "x");
	send_plain(f);
	begin(f, STUN_INDICATION, TURN_SEND);
	stun_write_addr(&f->request, STUN_ATTR_MAPPED_ADDRESS, &peer);
	stun_write_string(&f->request, STUN_ATTR_DATA, "x");
	send_plain(f);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 2);
	fixture_free(f);
}

/* An IPv6 allocation does not reach IPv4 peers, however a client writes their addresses. */
static void test_embedding_peers(void **state)
{
	static const char *const peers[] = {
		"[::198.51.100.2]:7000",
		"[::ffff:198.51.100.2]:7000",
		"[::ffff:0:198.51.100.2]:7000",
		"[64:ff9b::198.51.100.2]:7000",
		"[64:ff9b:1:fffe::198.51.100.2]:7000",
	};
	struct fixture *f = fixture_default();

	(void)state;
	allocate_both(f);
	create_permission(f, PEER);
	for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
		create_permission(f, peers[i]);
		expect_error(f, 403);
		channel_bind(f, 0x4000, peers[i]);
		expect_error(f, 403);
		send_indication(f, peers[i], "x");
		expect_events(f, 0);
	}
	assert_int_equal(stats(f)->permissions, 1);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_PERMISSION], ARRAY_LEN(peers));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_repeated_requests),
		cmocka_unit_test(test_data_refreshes_nothing),
		cmocka_unit_test(test_reserved_bits),
		cmocka_unit_test(test_random_ports),
		cmocka_unit_test(test_invalid_send),
		cmocka_unit_test(test_embedding_peers),
	};

	return cmocka_run_group_tests_name("turn rules", tests, NULL, NULL);
}

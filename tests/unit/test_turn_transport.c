/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Clients over TCP, TLS and DTLS, and DONT-FRAGMENT, which depends on that: RFC 8656. */
#include <arpa/inet.h>
#include <string.h>

#include "private/array_len.h"
#include "turn/framing.h"
#include "turn_fixture.h"

#define PEER  "198.51.100.2:7000"
#define PEER6 "[2001:db8:5::2]:7000"

static struct fixture *over(enum turn_transport transport)
{
	struct fixture *f = fixture_default();

	f->tuple.transport = (uint16_t)transport;
	return f;
}

/* RFC 8656 section 12.5: over TCP and TLS, ChannelData is padded to four bytes with zeros. */
static void test_padding(void **state)
{
	static const uint8_t filled[8] = { 0x40, 0, 0, 0, 'd', 'a', 't', 'a' };

	(void)state;
	for (uint16_t transport = 0; transport < TURN_TRANSPORTS; transport++) {
		struct fixture *f = over((enum turn_transport)transport);

		allocate(f);
		channel_bind(f, 0x4000, PEER);
		expect_success(f, &f->alice);
		for (size_t len = 0; len <= 4; len++) {
			bool padded = turn_transport_is_stream(transport) && len > 0;
			uint8_t expected[8] = { 0x40, 0, 0, (uint8_t)len };
			size_t frame;

			clear(f);
			memcpy(expected + 4, filled + 4, len);
			from_peer(f, "192.0.2.1", PEER, "data", len);
			expect_events(f, SEND_CLIENT, 0);
			assert_int_equal(event(f, 0)->tuple.transport, transport);
			assert_int_equal(event(f, 0)->len, padded ? 8 : 4 + len);
			assert_memory_equal(event(f, 0)->data, expected, event(f, 0)->len);
			if (!turn_transport_is_stream(transport))
				continue;
			assert_int_equal(turn_frame(event(f, 0)->data, event(f, 0)->len, &frame),
					 0);
			assert_int_equal(frame, event(f, 0)->len);
		}
		assert_int_equal(stats(f)->to_client.bytes, 1 + 2 + 3 + 4);
		fixture_free(f);
	}
}

/* In both directions, by channel and by indication; padding is not relayed. */
static void test_relaying(void **state)
{
	static const uint8_t message[] = { 0x40, 0, 0, 1, 'x', 1, 2, 3 };

	(void)state;
	for (uint16_t transport = 0; transport < TURN_TRANSPORTS; transport++) {
		struct fixture *f = over((enum turn_transport)transport);

		allocate(f);
		create_permission(f, PEER);
		send_indication(f, PEER, "hello");
		expect_to_peer(f, PEER, "hello", 5);
		clear(f);
		from_peer(f, "192.0.2.1", PEER, "back", 4);
		expect_data_indication(f, PEER, "back", 4);
		channel_bind(f, 0x4000, PEER);
		clear(f);
		from_client(f, message, sizeof(message));
		expect_to_peer(f, PEER, "x", 1);
		fixture_free(f);
	}
}

/* Relayed data leaves with one less than the TTL it came with: 0 is dropped. Streams have none. */
static void test_ttl(void **state)
{
	static const uint8_t message[] = { 0x40, 0, 0, 1, 'x', 1, 2, 3 };

	(void)state;
	for (uint16_t transport = 0; transport < TURN_TRANSPORTS; transport++) {
		struct fixture *f = over((enum turn_transport)transport);

		/* Requests are answered. */
		f->ttl = 1;
		allocate(f);
		channel_bind(f, 0x4000, PEER);
		expect_success(f, &f->alice);
		clear(f);
		from_client(f, message, sizeof(message));
		send_indication(f, PEER, "hello");
		expect_events(f, 0);
		assert_int_equal(stats(f)->dropped[TURN_REASON_TTL], 2);
		from_peer(f, "192.0.2.1", PEER, "data", 4);
		if (turn_transport_is_stream(transport))
			expect_events(f, SEND_CLIENT, 0);
		else
			expect_events(f, 0);
		assert_int_equal(stats(f)->dropped[TURN_REASON_TTL],
				 turn_transport_is_stream(transport) ? 2 : 3);
		assert_int_equal(stats(f)->to_peer.packets, 0);
		f->ttl = 2;
		clear(f);
		from_client(f, message, sizeof(message));
		expect_to_peer(f, PEER, "x", 1);
		send_indication(f, PEER, "hello");
		expect_to_peer(f, PEER, "hello", 5);
		clear(f);
		from_peer(f, "192.0.2.1", PEER, "data", 4);
		expect_events(f, SEND_CLIENT, 0);
		fixture_free(f);
	}
}

/* The kernel only relays between UDP and UDP. */
static void test_flows(void **state)
{
	(void)state;
	for (uint16_t transport = 0; transport < TURN_TRANSPORTS; transport++) {
		struct fixture *f = over((enum turn_transport)transport);

		allocate(f);
		channel_bind(f, 0x4000, PEER);
		expect_success(f, &f->alice);
		assert_int_equal(stats(f)->flows, transport == TURN_UDP);
		assert_int_equal(f->n_flows, transport == TURN_UDP);
		refresh(f, 1200);
		assert_int_equal(f->n_flows, transport == TURN_UDP);
		assert_int_equal(stats(f)->install_failures, 0);
		fixture_free(f);
	}
}

/* RFC 8656 section 6: the transport is part of the 5-tuple. */
static void test_tuple(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	f->tuple.transport = TURN_TCP;
	refresh(f, 0);
	expect_error(f, 437);
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	f->tuple.transport = TURN_UDP;
	channel_bind(f, 0x4000, "198.51.100.3:1");
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->allocations, 2);
	assert_int_equal(stats(f)->channels, 2);
	refresh(f, 0);
	f->tuple.transport = TURN_TCP;
	refresh(f, 600);
	expect_success(f, &f->alice);
	fixture_free(f);
}

static void test_gone(void **state)
{
	struct fixture *f = over(TURN_TLS);
	struct turn_tuple other;

	(void)state;
	turn_server_client_gone(f->server, &f->tuple, f->now);
	assert_int_equal(f->n_events, 0);
	allocate(f);
	create_permission(f, "198.51.100.3");
	channel_bind(f, 0x4000, PEER);
	other = f->tuple;
	other.transport = TURN_TCP;
	clear(f);
	turn_server_client_gone(f->server, &other, f->now);
	expect_events(f, 0);
	turn_server_client_gone(f->server, &f->tuple, f->now);
	/* Nothing is sent to a client that is gone. */
	expect_events(f, CLOSE_RELAY, 0);
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(stats(f)->permissions, 0);
	assert_int_equal(stats(f)->channels, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	turn_server_client_gone(f->server, &f->tuple, f->now);
	expect_events(f, CLOSE_RELAY, 0);
	fixture_free(f);
}

/* A client on UDP and one on TCP are each other's peers. */
static void test_hairpin(void **state)
{
	static const uint8_t message[] = { 0x40, 0, 0, 2, 'h', 'i' };
	struct turnpike_addr of_udp, of_tcp;
	char udp[ADDR_TEXT_MAX], tcp[ADDR_TEXT_MAX];
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	of_udp = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	addr_format(&of_udp, udp);
	f->tuple.transport = TURN_TCP;
	allocate(f);
	of_tcp = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	addr_format(&of_tcp, tcp);
	channel_bind(f, 0x4000, udp);
	expect_success(f, &f->alice);
	f->tuple.transport = TURN_UDP;
	channel_bind(f, 0x4000, tcp);
	expect_success(f, &f->alice);
	assert_int_equal(f->n_flows, 1);
	clear(f);
	from_client(f, message, sizeof(message));
	expect_to_peer(f, tcp, "hi", 2);
	clear(f);
	from_peer(f, tcp, udp, "hi", 2);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(event(f, 0)->tuple.transport, TURN_TCP);
	assert_int_equal(event(f, 0)->len, 8);
	f->tuple.transport = TURN_TCP;
	clear(f);
	from_client(f, message, sizeof(message));
	expect_to_peer(f, udp, "hi", 2);
	clear(f);
	from_peer(f, udp, tcp, "hi", 2);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(event(f, 0)->tuple.transport, TURN_UDP);
	assert_memory_equal(event(f, 0)->data, message, sizeof(message));
	fixture_free(f);
}

static void send_df(struct fixture *f, const char *peer)
{
	begin_send(f, peer);
	stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
	stun_write_bytes(&f->request, STUN_ATTR_DONT_FRAGMENT, "", 0);
	send_plain(f);
}

/* RFC 8656 sections 13 to 15: for UDP clients, ignored unless both sides are IPv4. */
static void test_dont_fragment(void **state)
{
	static const struct {
		const char *client;
		enum turn_transport transport;
		const char *peer;
		bool expected;
	} rows[] = {
		{ "203.0.113.7:40000", TURN_UDP, PEER, true },
		{ "203.0.113.7:40000", TURN_DTLS, PEER, true },
		{ "203.0.113.7:40000", TURN_TCP, PEER, true },
		{ "203.0.113.7:40000", TURN_UDP, PEER6, false },
		{ "203.0.113.7:40000", TURN_DTLS, PEER6, false },
		{ "203.0.113.7:40000", TURN_TLS, PEER6, true },
		{ "[2001:db8:7::1]:4000", TURN_UDP, PEER, false },
		{ "[2001:db8:7::1]:4000", TURN_UDP, PEER6, false },
		{ "[2001:db8:7::1]:4000", TURN_TCP, PEER, true },
		{ "[2001:db8:7::1]:4000", TURN_TLS, PEER6, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = over(rows[i].transport);

		f->tuple.client = addr(rows[i].client);
		allocate_both(f);
		expect_success(f, &f->alice);
		create_permission(f, rows[i].peer);
		send_df(f, rows[i].peer);
		expect_to_peer(f, rows[i].peer, "hello", 5);
		assert_int_equal(event(f, 0)->dont_fragment, rows[i].expected);
		/* DF is set only on request. */
		send_indication(f, rows[i].peer, "hello");
		expect_to_peer(f, rows[i].peer, "hello", 5);
		assert_false(event(f, 0)->dont_fragment);
		fixture_free(f);
	}
}

/* RFC 8656 section 7.2, 4th check: the attribute is supported, so it is not "unknown". */
static void test_dont_fragment_is_known(void **state)
{
	struct fixture *f = fixture_default();
	static const uint8_t message[] = { 0x40, 0, 0, 2, 'h', 'i' };

	(void)state;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, STUN_ATTR_DONT_FRAGMENT, "", 0);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	/* It applies to one Send indication, and never to ChannelData. */
	channel_bind(f, 0x4000, PEER);
	clear(f);
	from_client(f, message, sizeof(message));
	expect_to_peer(f, PEER, "hi", 2);
	assert_false(event(f, 0)->dont_fragment);
	fixture_free(f);
}

/** Only clients on UDP make pairs with their peers. */
static void test_no_pairs(void **state)
{
	(void)state;
	for (int transport = TURN_TCP; transport <= TURN_DTLS; transport++) {
		struct fixture *f = fixture_default();

		f->tuple.transport = (uint16_t)transport;
		allocate(f);
		create_permission(f, "198.51.100.1");
		send_indication(f, "198.51.100.1:7000", "data");
		expect_events(f, SEND_PEER, 0);
		clear(f);
		from_peer(f, "192.0.2.1", "198.51.100.1:7000", "data", 4);
		expect_events(f, SEND_CLIENT, 0);
		assert_int_equal(stats(f)->pairs, 0);
		fixture_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_padding),       cmocka_unit_test(test_relaying),
		cmocka_unit_test(test_ttl),           cmocka_unit_test(test_flows),
		cmocka_unit_test(test_no_pairs),      cmocka_unit_test(test_tuple),
		cmocka_unit_test(test_gone),          cmocka_unit_test(test_hairpin),
		cmocka_unit_test(test_dont_fragment), cmocka_unit_test(test_dont_fragment_is_known),
	};

	return cmocka_run_group_tests_name("turn transport", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One allocation with both families: RFC 8656 sections 7.2, 8, 10.2, 12.2 and 18.11. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "private/array_len.h"
#include "turn_fixture.h"

#define PEER4  "198.51.100.1:7000"
#define PEER6  "[2001:db8::7]:7000"
#define RELAY4 "192.0.2.1"
#define RELAY6 "2001:db8::1"

/** struct attr - an additional attribute of an Allocate request; {0} ends a list */
struct attr {
	enum stun_attr_type type;
	const char *value;
	size_t len;
};

/* clang 14 does not accept a constant struct as an initializer. */
#define ADDITIONAL_V6                                              \
	{                                                          \
		STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0\0", 4 \
	}

static void allocate_with(struct fixture *f, const struct attr *attrs, size_t n)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	for (size_t i = 0; i < n; i++)
		if (attrs[i].len > 0)
			stun_write_bytes(&f->request, attrs[i].type, attrs[i].value, attrs[i].len);
	send_signed(f, &f->alice);
}

static struct fixture *dual(void)
{
	struct fixture *f = fixture_default();

	allocate_both(f);
	expect_success(f, &f->alice);
	return f;
}

static void expect_relayed(const struct fixture *f, enum turnpike_family family, const char *ip)
{
	struct turnpike_addr relayed = response_relayed(f, family), expected = { 0 };

	if (ip) {
		expected = addr(ip);
		assert_in_range(ntohs(relayed.port), 49152, 65535);
		expected.port = relayed.port;
	}
	assert_true(addr_equal(&relayed, &expected));
}

static void expect_no_address_error(const struct fixture *f)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_ADDRESS_ERROR_CODE, &attr), -ENOENT);
}

static void expect_address_error(const struct fixture *f, const void *value, size_t len)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_ADDRESS_ERROR_CODE, &attr), 0);
	assert_int_equal(attr.len, len);
	assert_memory_equal(attr.value, value, len);
}

#define NOT_SUPPORTED \
	"\4\x28"      \
	"Address Family not Supported"
#define NO_CAPACITY \
	"\5\x08"    \
	"Insufficient Capacity"

/* The counters of one allocation, over both families. */
static void test_success(void **state)
{
	struct fixture *f = dual();

	(void)state;
	expect_events(f, OPEN_RELAY, OPEN_RELAY, SEND_CLIENT, 0);
	expect_relayed(f, TURNPIKE_IPV4, RELAY4);
	expect_relayed(f, TURNPIKE_IPV6, RELAY6);
	expect_no_address_error(f);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 600);
	assert_int_equal(stats(f)->allocations, 1);
	assert_int_equal(stats(f)->relays, 2);
	fixture_free(f);
}

/** RFC 8656 section 7.2, checks 5 to 9, and attributes that an ordinary request may have. */
static void test_combinations(void **state)
{
	static const struct {
		struct attr attrs[3];
		int code; /* 0: success */
	} rows[] = {
		{ { { STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\1\0\0\0", 4 } }, 400 },
		{ { { STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\3\0\0\0", 4 } }, 400 },
		{ { { STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0", 3 } }, 400 },
		{ { { STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0\0\0", 5 } }, 400 },
		{ { ADDITIONAL_V6, { STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\1\0\0\0", 4 } }, 400 },
		{ { ADDITIONAL_V6, { STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\2\0\0\0", 4 } }, 400 },
		{ { ADDITIONAL_V6, { STUN_ATTR_EVEN_PORT, "\x80", 1 } }, 400 },
		{ { ADDITIONAL_V6, { STUN_ATTR_RESERVATION_TOKEN, "12345678", 8 } }, 400 },
		{ { { STUN_ATTR_RESERVATION_TOKEN, "12345678", 8 },
		    { STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\1\0\0\0", 4 } },
		  400 },
		{ { { STUN_ATTR_RESERVATION_TOKEN, "12345678", 8 },
		    { STUN_ATTR_EVEN_PORT, "\0", 1 } },
		  400 },
		{ { { STUN_ATTR_RESERVATION_TOKEN, "12345678", 8 } }, 508 },
		{ { { STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\2\xff\xff\xff", 4 } }, 0 },
		{ { ADDITIONAL_V6, { STUN_ATTR_EVEN_PORT, "\0", 1 } }, 0 },
	};
	struct fixture *f = fixture_default();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		allocate_with(f, rows[i].attrs, 3);
		if (rows[i].code) {
			expect_error(f, rows[i].code);
			expect_events(f, SEND_CLIENT, 0);
			continue;
		}
		expect_success(f, &f->alice);
		expect_relayed(f, TURNPIKE_IPV4, RELAY4);
		expect_relayed(f, TURNPIKE_IPV6, RELAY6);
		refresh(f, 0);
	}
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

static void test_even_ports(void **state)
{
	const struct attr attrs[] = { ADDITIONAL_V6, { STUN_ATTR_EVEN_PORT, "\0", 1 } };
	struct fixture *f = fixture_default();

	(void)state;
	for (int i = 0; i < 8; i++) {
		allocate_with(f, attrs, 2);
		assert_int_equal(ntohs(response_relayed(f, TURNPIKE_IPV4).port) & 1, 0);
		assert_int_equal(ntohs(response_relayed(f, TURNPIKE_IPV6).port) & 1, 0);
		refresh(f, 0);
	}
	fixture_free(f);
}

static struct fixture *with_relay(const char *ip)
{
	const struct turn_relay_address relay = { .addr = addr(ip) };
	struct turn_config config;

	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	return fixture_new(&config);
}

/** ADDRESS-ERROR-CODE with 440, also in the answer to a retransmission. */
static void test_no_ipv6(void **state)
{
	struct fixture *f = with_relay(RELAY4);

	(void)state;
	allocate_both(f);
	for (int i = 0; i < 2; i++) {
		expect_success(f, &f->alice);
		expect_relayed(f, TURNPIKE_IPV4, RELAY4);
		expect_relayed(f, TURNPIKE_IPV6, NULL);
		expect_address_error(f, "\2\0" NOT_SUPPORTED, sizeof("\2\0" NOT_SUPPORTED) - 1);
		send_plain(f);
	}
	assert_int_equal(stats(f)->relays, 1);
	create_permission(f, PEER6);
	expect_error(f, 443);
	fixture_free(f);
}

/** RFC 8656 section 7.2, 7th check: a server without IPv4 refuses requests for both families. */
static void test_no_ipv4(void **state)
{
	struct fixture *f = with_relay(RELAY6);

	(void)state;
	allocate_both(f);
	expect_error(f, 440);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

/** ADDRESS-ERROR-CODE with 508 if either family fails; error 508 if both do. */
static void test_no_capacity(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.port_lo = config.port_hi = 50000;
	f = fixture_new(&config);
	allocate(f);
	f->tuple.client = addr("203.0.113.7:40001");
	f->nonce_len = 0;
	allocate_both(f);
	expect_success(f, &f->alice);
	expect_relayed(f, TURNPIKE_IPV4, NULL);
	expect_relayed(f, TURNPIKE_IPV6, RELAY6);
	expect_address_error(f, "\1\0" NO_CAPACITY, sizeof("\1\0" NO_CAPACITY) - 1);
	f->tuple.client = addr("203.0.113.7:40002");
	f->nonce_len = 0;
	allocate_both(f);
	expect_error(f, 508);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->allocations, 2);
	assert_int_equal(stats(f)->relays, 2);
	fixture_free(f);
}

static void test_open_fails(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	f->open_error = -EMFILE;
	f->open_failures = 1;
	allocate_both(f);
	expect_success(f, &f->alice);
	expect_relayed(f, TURNPIKE_IPV4, NULL);
	expect_relayed(f, TURNPIKE_IPV6, RELAY6);
	expect_address_error(f, "\1\0" NO_CAPACITY, sizeof("\1\0" NO_CAPACITY) - 1);
	refresh(f, 0);
	f->open_failures = 2;
	allocate_both(f);
	expect_error(f, 508);
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	fixture_free(f);
}

/** max_relays counts each relay of an allocation. */
static void test_relay_limit(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.max_relays = 3;
	f = fixture_new(&config);
	allocate_both(f);
	expect_no_address_error(f);
	f->tuple.client = addr("203.0.113.7:40001");
	f->nonce_len = 0;
	allocate_both(f);
	expect_relayed(f, TURNPIKE_IPV4, RELAY4);
	expect_address_error(f, "\2\0" NO_CAPACITY, sizeof("\2\0" NO_CAPACITY) - 1);
	assert_int_equal(stats(f)->relays, 3);
	fixture_free(f);
}

/** Data uses the relay of the peer's family; both families share the channel numbers. */
static void test_data(void **state)
{
	struct turnpike_addr relay4, relay6;
	struct fixture *f = dual();

	(void)state;
	relay4 = response_relayed(f, TURNPIKE_IPV4);
	relay6 = response_relayed(f, TURNPIKE_IPV6);
	channel_bind(f, 0x4000, PEER4);
	expect_success(f, &f->alice);
	assert_true(addr_equal(&event(f, 0)->flow.relay, &relay4));
	channel_bind(f, 0x4000, PEER6);
	expect_error(f, 400);
	channel_bind(f, 0x4001, PEER6);
	expect_success(f, &f->alice);
	assert_true(addr_equal(&event(f, 0)->flow.relay, &relay6));
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	expect_to_peer(f, PEER4, "x", 1);
	assert_true(addr_equal(&event(f, 0)->relay, &relay4));
	clear(f);
	from_client(f, "\x40\x01\x00\x01y", 5);
	expect_to_peer(f, PEER6, "y", 1);
	assert_true(addr_equal(&event(f, 0)->relay, &relay6));
	send_indication(f, PEER6, "z");
	expect_to_peer(f, PEER6, "z", 1);
	assert_true(addr_equal(&event(f, 0)->relay, &relay6));
	send_indication(f, PEER4, "z");
	expect_to_peer(f, PEER4, "z", 1);
	assert_true(addr_equal(&event(f, 0)->relay, &relay4));
	clear(f);
	from_peer(f, RELAY6, PEER6, "x", 1);
	assert_memory_equal(event(f, 0)->data, "\x40\x01\x00\x01x", 5);
	clear(f);
	from_peer(f, RELAY4, "198.51.100.1:7001", "x", 1);
	expect_data_indication(f, "198.51.100.1:7001", "x", 1);
	fixture_free(f);
}

/** One CreatePermission for peers of both families (section 10.1). */
static void test_permissions(void **state)
{
	struct turnpike_addr peer4 = addr(PEER4), peer6 = addr(PEER6);
	struct fixture *f = dual();

	(void)state;
	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer4);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer6);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->permissions, 2);
	clear(f);
	from_peer(f, RELAY6, PEER6, "x", 1);
	expect_data_indication(f, PEER6, "x", 1);
	fixture_free(f);
}

static void refresh_family(struct fixture *f, enum stun_family family, uint32_t lifetime)
{
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)family << 24);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, lifetime);
	send_signed(f, &f->alice);
}

/** Section 8.1: deleting one family keeps the permissions and channels of the other. */
static void test_delete_one(void **state)
{
	struct fixture *f = dual();
	struct turnpike_addr relay6 = response_relayed(f, TURNPIKE_IPV6);

	(void)state;
	channel_bind(f, 0x4000, PEER4);
	channel_bind(f, 0x4001, PEER6);
	refresh_family(f, STUN_FAMILY_IPV6, 0);
	expect_success(f, &f->alice);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 0);
	expect_events(f, REMOVE_FLOW, CLOSE_RELAY, SEND_CLIENT, 0);
	assert_true(addr_equal(&event(f, 1)->addr, &relay6));
	assert_int_equal(stats(f)->allocations, 1);
	assert_int_equal(stats(f)->relays, 1);
	assert_int_equal(stats(f)->permissions, 1);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	expect_to_peer(f, PEER4, "x", 1);
	clear(f);
	from_client(f, "\x40\x01\x00\x01x", 5);
	expect_events(f, 0);
	send_indication(f, PEER6, "x");
	expect_events(f, 0);
	channel_bind(f, 0x4001, PEER6);
	expect_error(f, 443);
	refresh_family(f, STUN_FAMILY_IPV6, 600);
	expect_error(f, 443);
	/* The other relay is deleted by family, or by a request without a family. */
	refresh_family(f, STUN_FAMILY_IPV4, 0);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->allocations, 0);
	refresh(f, 600);
	expect_error(f, 437);
	fixture_free(f);
}

static void test_delete_all(void **state)
{
	struct fixture *f = dual();

	(void)state;
	channel_bind(f, 0x4000, PEER4);
	channel_bind(f, 0x4001, PEER6);
	refresh(f, 0);
	expect_events(f, REMOVE_FLOW, CLOSE_RELAY, REMOVE_FLOW, CLOSE_RELAY, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(stats(f)->relays, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	fixture_free(f);
}

/** Each family has its own expiry. */
static void test_refresh_one(void **state)
{
	struct fixture *f = dual();
	uint64_t start = f->now;

	(void)state;
	refresh_family(f, STUN_FAMILY_IPV6, 1200);
	expect_success(f, &f->alice);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 1200);
	f->now = start + 590 * SECOND;
	channel_bind(f, 0x4000, PEER4);
	assert_true(event(f, 0)->flow.channel_expiry_ns == start + 600 * SECOND);
	channel_bind(f, 0x4001, PEER6);
	assert_true(event(f, 0)->flow.channel_expiry_ns == start + 1190 * SECOND);
	clear(f);
	expire_at(f, start + 600 * SECOND);
	expect_events(f, REMOVE_FLOW, CLOSE_RELAY, 0);
	assert_int_equal(stats(f)->allocations, 1);
	refresh_family(f, STUN_FAMILY_IPV4, 600);
	expect_error(f, 443);
	clear(f);
	expire_at(f, start + 1200 * SECOND);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

/** A request without a family applies to both; an unknown family to neither. */
static void test_refresh_both(void **state)
{
	struct fixture *f = dual();
	uint64_t start = f->now;

	(void)state;
	refresh(f, 1200);
	expect_success(f, &f->alice);
	assert_true(turn_server_next_expiry(f->server) == start + 1200 * SECOND);
	refresh_family(f, (enum stun_family)3, 600);
	expect_error(f, 443);
	expire_at(f, start + 1200 * SECOND - 1);
	assert_int_equal(stats(f)->relays, 2);
	expire_at(f, start + 1200 * SECOND);
	assert_int_equal(stats(f)->relays, 0);
	fixture_free(f);
}

/** An expired relay relays nothing even if its timer is late; the other relay still works. */
static void test_dead_relay(void **state)
{
	struct fixture *f = dual();

	(void)state;
	refresh_family(f, STUN_FAMILY_IPV6, 1200);
	f->now += 400 * SECOND;
	channel_bind(f, 0x4000, PEER4);
	channel_bind(f, 0x4001, PEER6);
	f->now += 200 * SECOND;
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	from_peer(f, RELAY4, PEER4, "x", 1);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_ALLOCATION], 2);
	from_client(f, "\x40\x01\x00\x01x", 5);
	expect_to_peer(f, PEER6, "x", 1);
	fixture_free(f);
}

/** Pairs of both families belong to one client, which has one family. */
static void test_pairs(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate_both(f);
	create_permission(f, "198.51.100.1");
	create_permission(f, "2001:db8:5::1");
	send_indication(f, "198.51.100.1:7000", "data");
	send_indication(f, "[2001:db8:5::1]:7000", "data");
	assert_int_equal(f->n_flows, 2);
	assert_int_equal(stats(f)->pairs, 2);
	for (size_t i = 0; i < 2; i++) {
		const unsigned int family = i == 0 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;

		assert_int_equal(f->flows[i].relay.family, family);
		assert_int_equal(f->flows[i].xor_peer.family, family);
		assert_int_equal(f->flows[i].tuple.client.family, TURNPIKE_IPV4);
	}
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),     cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_even_ports),  cmocka_unit_test(test_no_ipv6),
		cmocka_unit_test(test_no_ipv4),     cmocka_unit_test(test_no_capacity),
		cmocka_unit_test(test_open_fails),  cmocka_unit_test(test_relay_limit),
		cmocka_unit_test(test_data),        cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_delete_one),  cmocka_unit_test(test_delete_all),
		cmocka_unit_test(test_refresh_one), cmocka_unit_test(test_refresh_both),
		cmocka_unit_test(test_dead_relay),  cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests_name("turn dual", tests, NULL, NULL);
}

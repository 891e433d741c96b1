/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Each memory allocation fails once: the server answers 508, stays consistent, and works again when
 * memory is available. Linked with --wrap for malloc, calloc, realloc and strdup.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn_fixture.h"

#define NEVER_FAIL -1

/* Global, since the linker's wrappers take no further arguments. */
static int allocations_left = NEVER_FAIL;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static bool fails_now(void)
{
	if (allocations_left == NEVER_FAIL)
		return false;
	return allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails_now() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

static void ignore_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	memset(buf, 7, len);
}

static void test_new(void **state)
{
	const struct turn_ops ops = { .random = ignore_random };
	struct turn_server *server;
	struct turn_config config;
	int failures = 0;
	int err;

	(void)state;
	fixture_config(&config);
	do {
		allocations_left = failures;
		err = turn_server_new(&config, &ops, NULL, &server);
		failures += err != 0;
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	allocations_left = NEVER_FAIL;
	assert_true(failures > 5);
	turn_server_free(server, 0);
}

static int make_credentials_of_all_kinds(struct turn_credentials **credentials)
{
	static const uint8_t key[32] = { 1 };
	int err = turn_credentials_new("example.org", credentials);

	if (err)
		return err;
	err = turn_credentials_add_password(*credentials, "carol", "p");
	if (!err)
		err = turn_credentials_add_key(*credentials, "dave", key, sizeof(key));
	if (!err)
		err = turn_credentials_add_secret(*credentials, "s");
	if (err)
		turn_credentials_put(*credentials);
	return err;
}

static void test_credentials(void **state)
{
	struct turn_credentials *credentials;
	int failures = 0;
	int err;

	(void)state;
	do {
		allocations_left = failures;
		err = make_credentials_of_all_kinds(&credentials);
		failures += err != 0;
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	allocations_left = NEVER_FAIL;
	assert_true(failures > 10);
	assert_true(turn_credentials_has_user(credentials, "carol"));
	assert_true(turn_credentials_has_user(credentials, "dave"));
	turn_credentials_put(credentials);
}

/** Repeats the fixture's current request until no allocation fails. */
static int send_until_success(struct fixture *f)
{
	int failures = 0;
	size_t len = f->request.len;

	/* The fixture's own allocations must not fail: call the core directly. */
	uint8_t buf[TURN_HEADROOM + 1024 + TURN_TAILROOM];
	struct turn_packet packet = { .data = buf + TURN_HEADROOM, .len = len };

	for (;;) {
		memcpy(packet.data, f->request_buf, len);
		clear(f);
		allocations_left = failures;
		turn_server_client_input(f->server, &f->tuple, &packet, f->now);
		allocations_left = NEVER_FAIL;
		if (response(f).class == STUN_SUCCESS)
			return failures;
		expect_error(f, 508);
		failures++;
	}
}

static void sign(struct fixture *f)
{
	stun_write_string(&f->request, STUN_ATTR_USERNAME, "alice");
	stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
	stun_write_integrity(&f->request, f->alice.hmac);
}

static void test_requests(void **state)
{
	struct fixture *f = fixture_default();
	struct turnpike_addr peer = addr("198.51.100.1:7000"), other = addr("198.51.100.2:7000");

	(void)state;
	refresh(f, 0); /* for a nonce */
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	sign(f);
	assert_true(send_until_success(f) >= 3);
	assert_int_equal(stats(f)->allocations, 1);
	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &other);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	sign(f);
	assert_true(send_until_success(f) >= 3);
	assert_int_equal(stats(f)->permissions, 2);
	begin(f, STUN_REQUEST, TURN_CHANNEL_BIND);
	stun_write_u32(&f->request, STUN_ATTR_CHANNEL_NUMBER, 0x40000000);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	sign(f);
	assert_true(send_until_success(f) >= 3);
	assert_int_equal(stats(f)->channels, 1);
	assert_int_equal(stats(f)->flows, 1);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	fixture_free(f);
}

/** What a refused ChannelBind request has created does not stay. */
static void test_refused_channel(void **state)
{
	struct turnpike_addr peer = addr("198.51.100.1:7000");
	struct fixture *f = fixture_default();
	uint8_t buf[TURN_HEADROOM + 1024 + TURN_TAILROOM];
	struct turn_packet packet = { .data = buf + TURN_HEADROOM };
	int failures = 0;

	(void)state;
	allocate(f);
	begin(f, STUN_REQUEST, TURN_CHANNEL_BIND);
	stun_write_u32(&f->request, STUN_ATTR_CHANNEL_NUMBER, 0x40000000);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	sign(f);
	packet.len = f->request.len;
	for (; stats(f)->channels == 0; failures++) {
		assert_int_equal(stats(f)->permissions, 0);
		memcpy(packet.data, f->request_buf, packet.len);
		clear(f);
		allocations_left = failures;
		turn_server_client_input(f->server, &f->tuple, &packet, f->now);
		allocations_left = NEVER_FAIL;
	}
	assert_true(failures > 4);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/** Data are relayed without memory for a pair. */
static void test_pair(void **state)
{
	struct fixture *f = fixture_default();
	uint8_t buf[TURN_HEADROOM + 256 + TURN_TAILROOM];
	struct turn_packet packet = { .data = buf + TURN_HEADROOM };
	int failures = 0;

	(void)state;
	allocate(f);
	create_permission(f, "198.51.100.1");
	begin_send(f, "198.51.100.1:7000");
	stun_write_string(&f->request, STUN_ATTR_DATA, "data");
	assert_int_equal(stun_writer_end(&f->request, &packet.len), 0);
	for (; stats(f)->pairs == 0; failures++) {
		memcpy(packet.data, f->request_buf, packet.len);
		clear(f);
		allocations_left = failures;
		turn_server_client_input(f->server, &f->tuple, &packet, f->now);
		allocations_left = NEVER_FAIL;
		expect_to_peer(f, "198.51.100.1:7000", "data", 4);
	}
	assert_true(failures > 2);
	assert_int_equal(stats(f)->flows, 1);
	fixture_free(f);
}

/** If memory suffices for one family only, the allocation has that one. */
static void test_both_families(void **state)
{
	struct fixture *f = fixture_default();
	uint8_t buf[TURN_HEADROOM + 1024 + TURN_TAILROOM];
	struct turn_packet packet = { .data = buf + TURN_HEADROOM, .len = 0 };
	int failures = 0, partial = 0;

	(void)state;
	refresh(f, 0); /* for a nonce */
	for (;; failures++) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT,
			       TURN_TRANSPORT_UDP << 24);
		stun_write_u32(&f->request, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY,
			       STUN_FAMILY_IPV6 << 24);
		sign(f);
		packet.len = f->request.len;
		memcpy(packet.data, f->request_buf, packet.len);
		clear(f);
		allocations_left = failures;
		turn_server_client_input(f->server, &f->tuple, &packet, f->now);
		allocations_left = NEVER_FAIL;
		if (response(f).class == STUN_ERROR) {
			expect_error(f, 508);
			assert_int_equal(stats(f)->allocations, 0);
		} else if (stats(f)->relays == 1) {
			partial++;
			release(f);
		} else {
			break;
		}
		assert_int_equal(stats(f)->relays, 0);
	}
	assert_true(partial >= 2);
	assert_true(failures > partial);
	fixture_free(f);
}

/** A pair of ports is allocated as a whole, and a token is valid until it is used. */
static void test_reservation(void **state)
{
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	refresh(f, 0); /* for a nonce */
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	sign(f);
	assert_true(send_until_success(f) >= 4);
	assert_int_equal(stats(f)->relays, 1);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &attr), 0);
	memcpy(token, attr.value, sizeof(token));
	f->tuple.client = addr("203.0.113.8:40000");
	f->nonce_len = 0;
	refresh(f, 0);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token, sizeof(token));
	sign(f);
	assert_true(send_until_success(f) >= 2);
	assert_int_equal(stats(f)->relays, 2);
	/* Two of alice's quota of three, however often requests have failed. */
	f->tuple.client = addr("203.0.113.9:40000");
	f->nonce_len = 0;
	allocate(f);
	fixture_free(f);
}

/** A reconfiguration applies as a whole or not at all. */
static void test_reconfigure(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_config config;
	int failures = 0;
	int err;

	(void)state;
	allocate(f);
	create_permission(f, "198.51.100.1");
	fixture_config(&config);
	config.deny = &(const struct addr_cidr){ addr("198.51.100.0"), 24 };
	config.n_deny = 1;
	do {
		assert_int_equal(stats(f)->permissions, 1);
		allocations_left = failures;
		err = turn_server_reconfigure(f->server, &config, f->now);
		allocations_left = NEVER_FAIL;
		failures += err != 0;
		assert_true(err == 0 || err == -ENOMEM);
	} while (err);
	assert_true(failures > 3);
	assert_int_equal(stats(f)->permissions, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),         cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_requests),    cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_reservation), cmocka_unit_test(test_reconfigure),
		cmocka_unit_test(test_pair),        cmocka_unit_test(test_refused_channel),
	};

	return cmocka_run_group_tests_name("turn out of memory", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The client's part of turn_fixture.h. */
#include <arpa/inet.h>
#include <string.h>

#include "turn_fixture.h"

void begin(struct fixture *f, enum stun_class class, enum stun_method method)
{
	uint8_t transaction[STUN_TRANSACTION_LEN] = { 0xaa };

	f->transactions++;
	memcpy(transaction + 4, &f->transactions, sizeof(f->transactions));
	stun_writer_begin(&f->request, f->request_buf, sizeof(f->request_buf), class, method,
			  transaction);
}

void from_port(struct fixture *f, uint16_t port)
{
	f->tuple.client.port = htons(port);
	f->nonce_len = 0;
}

void send_plain(struct fixture *f)
{
	size_t len;

	assert_int_equal(stun_writer_end(&f->request, &len), 0);
	clear(f);
	from_client(f, f->request_buf, len);
}

static void ask_for_nonce(struct fixture *f)
{
	struct stun_writer waiting = f->request;
	uint8_t waiting_buf[sizeof(f->request_buf)];
	struct stun_message msg;
	struct stun_attr nonce, algorithms;

	memcpy(waiting_buf, f->request_buf, sizeof(waiting_buf));
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_NONCE, &nonce), 0);
	f->nonce_len = nonce.len;
	memcpy(f->nonce, nonce.value, nonce.len);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_PASSWORD_ALGORITHMS, &algorithms), 0);
	assert_true(algorithms.len <= sizeof(f->algorithms));
	f->algorithms_len = algorithms.len;
	memcpy(f->algorithms, algorithms.value, algorithms.len);
	memcpy(f->request_buf, waiting_buf, sizeof(waiting_buf));
	f->request = waiting;
}

static void write_name(struct fixture *f, const struct credentials *user)
{
	uint8_t hash[STUN_USERHASH_LEN];

	if (!user->userhash) {
		stun_write_string(&f->request, STUN_ATTR_USERNAME, user->name);
		return;
	}
	assert_int_equal(stun_userhash(user->name, "example.org", hash), 0);
	stun_write_bytes(&f->request, STUN_ATTR_USERHASH, hash, sizeof(hash));
}

void send_signed(struct fixture *f, const struct credentials *user)
{
	if (f->nonce_len == 0)
		ask_for_nonce(f);
	write_name(f, user);
	stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	stun_write_bytes(&f->request, STUN_ATTR_NONCE, f->nonce, f->nonce_len);
	if (user->algorithm) {
		stun_write_bytes(&f->request, STUN_ATTR_PASSWORD_ALGORITHMS, f->algorithms,
				 f->algorithms_len);
		stun_write_u32(&f->request, STUN_ATTR_PASSWORD_ALGORITHM,
			       (uint32_t)user->algorithm << 16);
	}
	stun_write_integrity(&f->request, user->hmac);
	send_plain(f);
}

struct stun_message response(const struct fixture *f)
{
	const struct event *sent = NULL;
	struct stun_message msg;

	for (size_t i = 0; i < f->n_events; i++) {
		if (f->events[i].kind != SEND_CLIENT)
			continue;
		assert_null(sent);
		sent = &f->events[i];
	}
	assert_non_null(sent);
	assert_ptr_equal(sent, event(f, f->n_events - 1));
	assert_memory_equal(&sent->tuple, &f->tuple, sizeof(f->tuple));
	assert_int_equal(stun_parse(sent->data, sent->len, &msg), 0);
	assert_memory_equal(msg.transaction, f->request_buf + 8, STUN_TRANSACTION_LEN);
	return msg;
}

void expect_error(const struct fixture *f, int code)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(msg.class, STUN_ERROR);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_ERROR_CODE, &attr), 0);
	assert_true(attr.len > 4);
	assert_int_equal(attr.value[2] * 100 + attr.value[3], code);
}

void expect_success(const struct fixture *f, const struct credentials *user)
{
	struct stun_message msg = response(f);

	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_int_equal(stun_check_integrity(&msg, user->hmac), 0);
	assert_int_equal(msg.integrity == 0, user->algorithm != 0);
	assert_int_equal(msg.integrity_sha256 == 0, user->algorithm == 0);
}

bool response_has(const struct fixture *f, enum stun_attr_type type)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	return stun_find_attr(&msg, type, &attr) == 0;
}

void expect_response_text(const struct fixture *f, enum stun_attr_type type, const char *text)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;

	assert_int_equal(stun_find_attr(&msg, type, &attr), 0);
	assert_int_equal(attr.len, strlen(text));
	assert_memory_equal(attr.value, text, attr.len);
}

uint32_t response_u32(const struct fixture *f, enum stun_attr_type type)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;
	uint32_t number;

	assert_int_equal(stun_find_attr(&msg, type, &attr), 0);
	assert_int_equal(stun_attr_u32(&attr, &number), 0);
	return number;
}

struct turnpike_addr response_addr(const struct fixture *f, enum stun_attr_type type)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;
	struct turnpike_addr result;

	assert_int_equal(stun_find_attr(&msg, type, &attr), 0);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &result), 0);
	return result;
}

struct turnpike_addr response_relayed(const struct fixture *f, enum turnpike_family family)
{
	struct turnpike_addr result = { 0 }, candidate;
	struct stun_message msg = response(f);
	struct stun_attr attr = { 0 };

	while (stun_next_attr(&msg, &attr)) {
		if (attr.type != STUN_ATTR_XOR_RELAYED_ADDRESS)
			continue;
		assert_int_equal(stun_attr_xor_addr(&msg, &attr, &candidate), 0);
		if (candidate.family != family)
			continue;
		assert_int_equal(result.family, 0);
		result = candidate;
	}
	return result;
}

void expect_indicated(const struct fixture *f, enum event_kind kind)
{
	assert_int_equal(event(f, 0)->kind, kind);
	if (f->n_events > 1) {
		expect_events(f, kind, INSTALL_FLOW, 0);
		assert_int_equal(event(f, 1)->flow.channel, 0);
	}
}

void expect_to_peer(const struct fixture *f, const char *peer, const void *data, size_t len)
{
	struct turnpike_addr expected = addr(peer);

	expect_indicated(f, SEND_PEER);
	assert_true(addr_equal(&event(f, 0)->addr, &expected));
	assert_int_equal(event(f, 0)->len, len);
	assert_memory_equal(event(f, 0)->data, data, len);
}

void begin_send(struct fixture *f, const char *peer)
{
	struct turnpike_addr address = addr(peer);

	begin(f, STUN_INDICATION, TURN_SEND);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &address);
}

void send_indication(struct fixture *f, const char *peer, const char *data)
{
	begin_send(f, peer);
	stun_write_string(&f->request, STUN_ATTR_DATA, data);
	send_plain(f);
}

void expect_data_indication(const struct fixture *f, const char *peer, const void *data, size_t len)
{
	struct turnpike_addr expected = addr(peer), from;
	struct stun_message msg;
	struct stun_attr attr;

	expect_indicated(f, SEND_CLIENT);
	assert_memory_equal(&event(f, 0)->tuple, &f->tuple, sizeof(f->tuple));
	assert_int_equal(stun_parse(event(f, 0)->data, event(f, 0)->len, &msg), 0);
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_int_equal(msg.method, TURN_DATA);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &attr), 0);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &from), 0);
	assert_true(addr_equal(&from, &expected));
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_DATA, &attr), 0);
	assert_int_equal(attr.len, len);
	assert_memory_equal(attr.value, data, len);
}

void begin_allocate(struct fixture *f)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
}

void allocate_as(struct fixture *f, const struct credentials *user, enum stun_family family)
{
	begin_allocate(f);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, (uint32_t)family << 24);
	send_signed(f, user);
}

void allocate(struct fixture *f)
{
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_success(f, &f->alice);
}

void allocate_both(struct fixture *f)
{
	begin_allocate(f);
	stun_write_u32(&f->request, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, STUN_FAMILY_IPV6 << 24);
	send_signed(f, &f->alice);
}

void refresh(struct fixture *f, uint32_t lifetime)
{
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, lifetime);
	send_signed(f, &f->alice);
}

void release(struct fixture *f)
{
	refresh(f, 0);
	expect_success(f, &f->alice);
	f->now += REST;
}

void create_permission(struct fixture *f, const char *peer)
{
	struct turnpike_addr address = addr(peer);

	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &address);
	send_signed(f, &f->alice);
}

void channel_bind(struct fixture *f, uint16_t number, const char *peer)
{
	struct turnpike_addr address = addr(peer);

	begin(f, STUN_REQUEST, TURN_CHANNEL_BIND);
	stun_write_u32(&f->request, STUN_ATTR_CHANNEL_NUMBER, (uint32_t)number << 16);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &address);
	send_signed(f, &f->alice);
}

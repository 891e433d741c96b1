/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every reason for which requests are refused, and messages and data dropped: forced one by one. */
#include <errno.h>
#include <string.h>

#include "private/array_len.h"
#include "turn_users.h"

#define PEER  "198.51.100.2:7000"
#define RELAY "192.0.2.1"

/** struct scene - @act makes it happen, under @config if that is not NULL */
struct scene {
	void (*act)(struct fixture *f);
	void (*config)(struct turn_config *config);
};

static void with_answer_rate(struct turn_config *config)
{
	config->unauthenticated_rate = 1;
}

static void with_guess_rate(struct turn_config *config)
{
	config->guess_rate = 1;
}

static void with_one_a_minute(struct turn_config *config)
{
	config->user_allocations = 1;
}

static void with_four_ports(struct turn_config *config)
{
	config->port_hi = (uint16_t)(config->port_lo + 3);
	config->user_quota = 0;
}

static void with_one_relay(struct turn_config *config)
{
	config->max_relays = 1;
}

static void without_relays(struct turn_config *config)
{
	config->n_relays = 0;
}

static void with_one_permission(struct turn_config *config)
{
	config->max_permissions = 1;
}

static void with_one_channel(struct turn_config *config)
{
	config->max_channels = 1;
}

static void ask_often(struct fixture *f)
{
	for (int i = 0; i < 11; i++) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		send_plain(f);
	}
}

static void allocate_wrongly(struct fixture *f)
{
	const struct credentials wrong = { .name = "alice", .hmac = f->bob.hmac };

	allocate_as(f, &wrong, STUN_FAMILY_IPV4);
}

/* Its own ten checks, and those that all sources of the account share. */
static void guess_often(struct fixture *f)
{
	for (int i = 0; i < 21; i++)
		allocate_wrongly(f);
}

static void ask(struct fixture *f)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
}

/* A signed request without one of the attributes that must accompany the signature. */
static void send_without(struct fixture *f, enum stun_attr_type missing)
{
	begin_allocate(f);
	if (missing != STUN_ATTR_USERNAME)
		stun_write_string(&f->request, STUN_ATTR_USERNAME, "alice");
	if (missing != STUN_ATTR_REALM)
		stun_write_string(&f->request, STUN_ATTR_REALM, "example.org");
	if (missing != STUN_ATTR_NONCE)
		stun_write_string(&f->request, STUN_ATTR_NONCE, "x");
	stun_write_integrity(&f->request, f->alice.hmac);
	send_plain(f);
}

static void omit_realm(struct fixture *f)
{
	send_without(f, STUN_ATTR_REALM);
}

static void omit_nonce(struct fixture *f)
{
	send_without(f, STUN_ATTR_NONCE);
}

static void omit_username(struct fixture *f)
{
	send_without(f, STUN_ATTR_USERNAME);
}

static void invent_nonce(struct fixture *f)
{
	send_without(f, (enum stun_attr_type)0);
}

static void strip_algorithms(struct fixture *f)
{
	struct credentials user = f->alice;

	refresh(f, 600); /* for a nonce that offers algorithms */
	user.algorithm = STUN_PASSWORD_MD5;
	f->algorithms_len = 4;
	allocate_as(f, &user, STUN_FAMILY_IPV4);
}

static void wait_too_long(struct fixture *f)
{
	allocate(f);
	f->now += 3601 * SECOND;
	refresh(f, 600);
}

static void name_nobody(struct fixture *f)
{
	const struct credentials nobody = { .name = "mallory", .hmac = f->bob.hmac };

	allocate_as(f, &nobody, STUN_FAMILY_IPV4);
}

static void be_late(struct fixture *f)
{
	const struct credentials late = { .name = "1000:ann", .hmac = f->bob.hmac };

	f->unix_time = 1000;
	allocate_as(f, &late, STUN_FAMILY_IPV4);
}

static void come_late(struct fixture *f)
{
	use_credentials(f, with_secret("north"));
	be_late(f);
}

static void ask_for_nothing(struct fixture *f)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_signed(f, &f->alice);
}

static void add_unknown(struct fixture *f)
{
	begin_allocate(f);
	stun_write_u32(&f->request, (enum stun_attr_type)0x7001, 0);
	send_signed(f, &f->alice);
}

static void refresh_nothing(struct fixture *f)
{
	refresh(f, 600);
}

static void refresh_as_bob(struct fixture *f)
{
	allocate(f);
	refresh_as(f, &f->bob, 600);
}

static void permit_ipv6(struct fixture *f)
{
	allocate(f);
	create_permission(f, "2001:db8:7::1");
}

static void allocate_twice(struct fixture *f)
{
	allocate(f);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
}

static void come_by_tunnel(struct fixture *f)
{
	f->tuple.client = addr("[2002:cb00:7107::1]:1");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
}

static void ask_for_tcp(struct fixture *f)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, 6u << 24);
	send_signed(f, &f->alice);
}

static void ask_for_no_family(struct fixture *f)
{
	allocate_as(f, &f->alice, (enum stun_family)3);
}

static void be_blocked(struct fixture *f)
{
	f->blocked = "alice";
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
}

static void allocate_often(struct fixture *f)
{
	for (uint16_t port = 1; port <= 4; port++)
		allocate_at(f, port, &f->alice);
}

static void drain(struct fixture *f)
{
	turn_server_drain(f->server, true);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
}

static void allocate_once(struct fixture *f)
{
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
}

static void find_no_socket(struct fixture *f)
{
	f->open_error = -EMFILE;
	f->open_failures = 1;
	allocate_once(f);
}

static void find_no_memory(struct fixture *f)
{
	f->limit_error = -ENOMEM;
	allocate_once(f);
}

static void invent_token(struct fixture *f)
{
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, "12345678", 8);
	send_signed(f, &f->alice);
}

static void be_removed(struct fixture *f)
{
	allocate(f);
	use_credentials(f, no_users());
	refresh(f, 600);
}

static void permit_loopback(struct fixture *f)
{
	allocate(f);
	create_permission(f, "127.0.0.1");
}

static void bind_dead_relay(struct fixture *f)
{
	allocate(f);
	channel_bind(f, 0x4000, RELAY ":9");
}

static void bind_another(struct fixture *f)
{
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	channel_bind(f, 0x4000, "198.51.100.3:7000");
}

static void permit_two(struct fixture *f)
{
	allocate(f);
	create_permission(f, PEER);
	create_permission(f, "198.51.100.3");
}

static void bind_two(struct fixture *f)
{
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	channel_bind(f, 0x4001, "198.51.100.3:7000");
}

static void send_garbage(struct fixture *f)
{
	from_client(f, "\xff", 1);
}

static void send_without_permission(struct fixture *f)
{
	allocate(f);
	send_indication(f, PEER, "data");
}

static void send_without_channel(struct fixture *f)
{
	allocate(f);
	clear(f);
	from_client(f, "\x40\x00\x00\x00", 4);
}

static void permit(struct fixture *f)
{
	allocate(f);
	create_permission(f, PEER);
}

static void send_to_silence(struct fixture *f)
{
	permit(f);
	f->reach_until = 0;
	send_indication(f, PEER, "data");
}

static void send_last_hop(struct fixture *f)
{
	permit(f);
	f->ttl = 1;
	send_indication(f, PEER, "data");
}

static void receive_too_much(struct fixture *f)
{
	static const uint8_t data[65527];

	permit(f);
	clear(f);
	from_peer(f, RELAY, PEER, data, sizeof(data));
}

static void exceed_limit(struct fixture *f)
{
	f->limited = true;
	permit(f);
	send_indication(f, PEER, "data");
}

/* INTERNAL needs a failure of OpenSSL: test_turn_oom. */
static const struct scene scenes[TURN_REASON_MAX] = {
	[TURN_REASON_UNAUTHENTICATED_RATE] = { ask_often, with_answer_rate },
	[TURN_REASON_GUESS_RATE] = { guess_often, with_guess_rate },
	[TURN_REASON_NO_CREDENTIALS] = { ask, NULL },
	[TURN_REASON_NO_REALM] = { omit_realm, NULL },
	[TURN_REASON_NO_NONCE] = { omit_nonce, NULL },
	[TURN_REASON_NO_USERNAME] = { omit_username, NULL },
	[TURN_REASON_BAD_ALGORITHM] = { strip_algorithms, NULL },
	[TURN_REASON_FOREIGN_NONCE] = { invent_nonce, NULL },
	[TURN_REASON_STALE_NONCE] = { wait_too_long, NULL },
	[TURN_REASON_UNKNOWN_USER] = { name_nobody, NULL },
	[TURN_REASON_WRONG_PASSWORD] = { allocate_wrongly, NULL },
	[TURN_REASON_EXPIRED] = { come_late, NULL },
	[TURN_REASON_BAD_REQUEST] = { ask_for_nothing, NULL },
	[TURN_REASON_UNKNOWN_ATTRIBUTE] = { add_unknown, NULL },
	[TURN_REASON_NO_ALLOCATION] = { refresh_nothing, NULL },
	[TURN_REASON_OTHER_USER] = { refresh_as_bob, NULL },
	[TURN_REASON_OTHER_FAMILY] = { permit_ipv6, NULL },
	[TURN_REASON_HAS_ALLOCATION] = { allocate_twice, NULL },
	[TURN_REASON_TUNNELLED_CLIENT] = { come_by_tunnel, NULL },
	[TURN_REASON_UNSUPPORTED_TRANSPORT] = { ask_for_tcp, NULL },
	[TURN_REASON_UNSUPPORTED_FAMILY] = { ask_for_no_family, NULL },
	[TURN_REASON_BLOCKED] = { be_blocked, NULL },
	[TURN_REASON_USER_QUOTA] = { allocate_often, NULL },
	[TURN_REASON_USER_ALLOCATIONS] = { allocate_often, with_one_a_minute },
	[TURN_REASON_PORT_SHARE] = { allocate_often, with_four_ports },
	[TURN_REASON_DRAINING] = { drain, NULL },
	[TURN_REASON_MAX_ALLOCATIONS] = { allocate_often, with_one_relay },
	[TURN_REASON_NO_PORT] = { allocate_once, without_relays },
	[TURN_REASON_NO_SOCKET] = { find_no_socket, NULL },
	[TURN_REASON_NO_MEMORY] = { find_no_memory, NULL },
	[TURN_REASON_NO_RESERVATION] = { invent_token, NULL },
	[TURN_REASON_REVOKED] = { be_removed, NULL },
	[TURN_REASON_DENIED_PEER] = { permit_loopback, NULL },
	[TURN_REASON_NO_RELAY] = { bind_dead_relay, NULL },
	[TURN_REASON_CHANNEL_IN_USE] = { bind_another, NULL },
	[TURN_REASON_MAX_PERMISSIONS] = { permit_two, with_one_permission },
	[TURN_REASON_MAX_CHANNELS] = { bind_two, with_one_channel },
	[TURN_REASON_MALFORMED] = { send_garbage, NULL },
	[TURN_REASON_NO_PERMISSION] = { send_without_permission, NULL },
	[TURN_REASON_NO_CHANNEL] = { send_without_channel, NULL },
	[TURN_REASON_NO_NEIGHBOUR] = { send_to_silence, NULL },
	[TURN_REASON_TTL] = { send_last_hop, NULL },
	[TURN_REASON_OVERSIZE] = { receive_too_much, NULL },
	[TURN_REASON_POLICED] = { exceed_limit, NULL },
};

static void play(const struct scene *scene, enum turn_reason reason)
{
	const struct turn_reason_info *info = &turn_reasons[reason];
	struct turn_config config;
	struct fixture *f;
	uint64_t refused, dropped;

	fixture_config(&config);
	if (scene->config)
		scene->config(&config);
	f = fixture_new(&config);
	scene->act(f);
	refused = turn_stats_by_reason(stats(f), reason);
	dropped = stats(f)->dropped[reason];
	if (refused + dropped == 0)
		fail_msg("nothing is refused or dropped as %s", info->name);
	if (info->code) {
		expect_error(f, info->code);
		assert_int_equal(f->logged[(f->n_logged - 1) % MAX_LOGGED].reason, reason);
	} else {
		assert_int_equal(f->n_events, 0);
	}
	fixture_free(f);
}

static void test_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < TURN_REASON_MAX; i++) {
		if (scenes[i].act)
			play(&scenes[i], (enum turn_reason)i);
		else
			assert_true(i == TURN_REASON_NONE || i == TURN_REASON_INTERNAL);
	}
}

/* What the client gets does not depend on why authentication failed, but for nonce and transaction.
 */
static void test_same_response(void **state)
{
	static void (*const acts[])(struct fixture * f) = { name_nobody, allocate_wrongly,
							    be_late };
	uint8_t first[MAX_DATA];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct fixture *f = fixture_default();
		struct turn_credentials *both = with_secret("north");
		const struct event *sent;

		assert_int_equal(turn_credentials_add_password(both, "alice", "secret"), 0);
		use_credentials(f, both);
		acts[i](f);
		sent = event(f, 0);
		if (i == 0) {
			len = sent->len;
			memcpy(first, sent->data, len);
		}
		assert_int_equal(sent->len, len);
		assert_memory_equal(sent->data, first, len);
		fixture_free(f);
	}
}

/* Codes and reasons of one method add up, and redirections count as such. */
static void test_sums(void **state)
{
	static const char *const alternate[] = { "192.0.2.99:3478" };
	struct fixture *f = fixture_with_alternates(alternate, 1);

	(void)state;
	allocate(f); /* asks for a nonce first */
	allocate_wrongly(f);
	from_port(f, 2);
	drain(f);
	expect_error(f, 300);
	assert_int_equal(turn_stats_requests(stats(f)), 5);
	assert_int_equal(turn_stats_by_code(stats(f), 0), 1);
	assert_int_equal(turn_stats_by_code(stats(f), 401), 3);
	assert_int_equal(turn_stats_by_code(stats(f), 300), 1);
	assert_int_equal(turn_stats_by_code(stats(f), 508), 0);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_DRAINING), 1);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_same_response),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests_name("turn reasons", tests, NULL, NULL);
}

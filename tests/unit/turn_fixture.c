/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn_fixture.h"

static struct event *record(struct fixture *f, enum event_kind kind)
{
	struct event *new_event = &f->events[f->n_events++];

	assert_true(f->n_events <= MAX_EVENTS);
	*new_event = (struct event){ .kind = kind };
	return new_event;
}

static void record_data(struct event *to, const uint8_t *data, size_t len)
{
	assert_true(len <= MAX_DATA);
	to->len = len;
	if (len > 0)
		memcpy(to->data, data, len);
}

const uint8_t shared_secret[TURN_SECRET_LEN] = "not to be known";

static void send_client(void *ctx, const struct turn_tuple *tuple, const uint8_t *data, size_t len)
{
	struct event *new_event = record(ctx, SEND_CLIENT);

	new_event->tuple = *tuple;
	record_data(new_event, data, len);
}

static void send_peer(void *ctx, void *handle, const struct turnpike_addr *peer,
		      const uint8_t *data, size_t len, bool dont_fragment)
{
	struct event *new_event = record(ctx, SEND_PEER);
	const struct fake_relay *from = handle;

	assert_non_null(from->relay);
	new_event->dont_fragment = dont_fragment;
	new_event->addr = *peer;
	new_event->relay = from->addr;
	record_data(new_event, data, len);
}

static int open_relay(void *ctx, const struct turnpike_addr *address, struct turn_relay *relay,
		      void **handle)
{
	struct fixture *f = ctx;
	struct fake_relay *slot = NULL;

	record(f, OPEN_RELAY)->addr = *address;
	if (f->open_failures != 0) {
		f->open_failures--;
		return f->open_error;
	}
	for (size_t i = 0; i < MAX_RELAYS; i++) {
		if (!f->relays[i].relay)
			slot = &f->relays[i];
		else
			assert_false(addr_equal(&f->relays[i].addr, address));
	}
	assert_non_null(slot);
	*slot = (struct fake_relay){ *address, relay };
	*handle = slot;
	return 0;
}

static void close_relay(void *ctx, void *handle)
{
	struct fixture *f = ctx;
	struct fake_relay *closed = handle;

	record(f, CLOSE_RELAY)->addr = closed->addr;
	assert_non_null(closed->relay);
	for (size_t i = 0; i < f->n_flows; i++)
		assert_false(addr_equal(&f->flows[i].relay, &closed->addr));
	closed->relay = NULL;
}

/** Finds the flow of the same client and channel or pair; its relay and peer must be the same, too.
 */
static struct turn_flow *find_flow(struct fixture *f, const struct turn_flow *flow)
{
	struct turn_flow *found = NULL;

	for (size_t i = 0; i < f->n_flows; i++) {
		struct turn_flow *other = &f->flows[i];
		bool same_client = memcmp(&other->tuple, &flow->tuple, sizeof(flow->tuple)) == 0 &&
				   other->channel == flow->channel &&
				   addr_equal(&other->xor_peer, &flow->xor_peer);
		bool same_peer = addr_equal(&other->relay, &flow->relay) &&
				 addr_equal(&other->peer, &flow->peer);

		assert_int_equal(same_client, same_peer);
		if (same_client)
			found = other;
	}
	return found;
}

static void check_kind(const struct turn_flow *flow)
{
	assert_int_equal(flow->channel == 0, flow->xor_peer.family != 0);
	if (flow->channel == 0)
		assert_true(flow->channel_expiry_ns == flow->permission_expiry_ns);
}

static int install_flow(void *ctx, const struct turn_flow *flow)
{
	struct fixture *f = ctx;
	struct turn_flow *slot = find_flow(f, flow);
	struct event *new_event = record(f, INSTALL_FLOW);

	check_kind(flow);
	new_event->flow = *flow;
	new_event->addr = flow->relay;
	if (f->install_error)
		return f->install_error;
	if (!slot)
		slot = &f->flows[f->n_flows++];
	assert_true(f->n_flows <= MAX_FLOWS);
	*slot = *flow;
	return 0;
}

/* Three packets of 100 bytes to the peer, and one byte to the client. */
static void flow_traffic(void *ctx, const struct turn_flow *flow,
			 struct turn_traffic traffic[TURN_DIRECTIONS])
{
	(void)ctx;
	(void)flow;
	traffic[TURN_TO_PEER] = (struct turn_traffic){ 3, 300 };
	traffic[TURN_TO_CLIENT] = (struct turn_traffic){ 1, 1 };
}

static void remove_flow(void *ctx, const struct turn_flow *flow)
{
	struct fixture *f = ctx;
	struct turn_flow *slot = find_flow(f, flow);
	struct event *new_event = record(f, REMOVE_FLOW);

	assert_non_null(slot);
	new_event->flow = *flow;
	new_event->addr = flow->relay;
	*slot = f->flows[--f->n_flows];
}

static int limit(void *ctx, const char *account, void **limits)
{
	struct fixture *f = ctx;
	size_t i = 0;

	(void)account;
	if (f->limit_error)
		return f->limit_error;
	if (!f->limited)
		return 0;
	while (i < MAX_RELAYS && f->limits[i].used)
		i++;
	assert_true(i < MAX_RELAYS);
	f->limits[i] = (struct fake_limits){ .used = true };
	*limits = &f->limits[i];
	return 0;
}

static void unlimit(void *ctx, void *limits)
{
	struct fixture *f = ctx;
	struct fake_limits *freed = limits;

	assert_true(freed->used);
	for (size_t i = 0; i < f->n_flows; i++)
		assert_ptr_not_equal(f->flows[i].limits, freed);
	freed->used = false;
}

static bool police(void *ctx, void *limits, enum turn_direction direction, size_t len)
{
	struct fake_limits *charged = limits;

	(void)ctx;
	assert_true(charged->used);
	if (charged->left[direction] < len)
		return false;
	charged->left[direction] -= len;
	return true;
}

static bool admits(void *ctx, const char *username, const char *account)
{
	const struct fixture *f = ctx;

	assert_true(strlen(account) <= strlen(username));
	return !f->blocked || strcmp(f->blocked, account) != 0;
}

static uint64_t reach(void *ctx, const char *account, const struct turnpike_addr *relay,
		      const struct turnpike_addr *peer, bool again, uint64_t now)
{
	struct fixture *f = ctx;

	assert_true(strlen(account) > 0);
	assert_int_equal(relay->family, peer->family);
	assert_int_equal(now, f->now);
	f->n_reach++;
	f->again = again;
	return f->reach_until;
}

/* Not about an allocation, though there may be one: the message does not say which. */
static bool is_of_nobody(const struct turn_event *event)
{
	return event->kind == TURN_EVENT_REFUSED ||
	       (event->kind == TURN_EVENT_DROPPED && !event->peer);
}

static bool is_watched(void *ctx)
{
	return ((struct fixture *)ctx)->is_watched;
}

static void log_event(void *ctx, const struct turn_event *source)
{
	struct fixture *f = ctx;
	struct logged *copy = &f->logged[f->n_logged++ % MAX_LOGGED];

	*copy = (struct logged){
		.kind = source->kind,
		.id = source->id,
		.tuple = *source->tuple,
		.lifetime = source->lifetime,
		.channel = source->channel,
		.method = source->method,
		.reason = source->reason,
		.code = source->code,
		.why = source->why,
		.age_ns = source->age_ns,
	};
	memcpy(copy->traffic, source->traffic, sizeof(copy->traffic));
	memcpy(copy->in_kernel, source->in_kernel, sizeof(copy->in_kernel));
	assert_int_equal(is_of_nobody(source), !source->id);
	assert_true(strlen(source->username) <= STUN_USERNAME_MAX);
	strcpy(copy->username, source->username);
	assert_int_equal(is_of_nobody(source), !source->relay);
	assert_int_equal(source->kind == TURN_EVENT_REFUSED, source->code != 0);
	if (source->kind != TURN_EVENT_REFUSED)
		assert_int_equal(source->kind == TURN_EVENT_ENDED, source->why != NULL);
	if (source->relay)
		copy->relay = *source->relay;
	if (source->peer)
		copy->peer = *source->peer;
	if (f->on_event)
		f->on_event(f->on_event_arg, source, f->now);
}

static uint64_t fake_unix_time(void *ctx)
{
	struct fixture *f = ctx;

	return f->unix_time;
}

static void fake_random(void *ctx, void *buf, size_t len)
{
	struct fixture *f = ctx;
	uint8_t *bytes = buf;

	for (size_t i = 0; i < len; i++) {
		f->random = f->random * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(f->random >> 24);
	}
}

static const struct turn_ops fake_ops = {
	.send_client = send_client,
	.send_peer = send_peer,
	.open_relay = open_relay,
	.close_relay = close_relay,
	.install_flow = install_flow,
	.flow_traffic = flow_traffic,
	.remove_flow = remove_flow,
	.limit = limit,
	.unlimit = unlimit,
	.police = police,
	.reach = reach,
	.admits = admits,
	.event = log_event,
	.is_watched = is_watched,
	.unix_time = fake_unix_time,
	.random = fake_random,
};

struct turnpike_addr addr(const char *text)
{
	struct turnpike_addr result;

	assert_int_equal(addr_parse(text, &result), 0);
	return result;
}

struct credentials make_credentials(const char *name, const char *password,
				    enum stun_password_algorithm algorithm)
{
	struct credentials result = { .name = name, .algorithm = algorithm };
	struct stun_key key;

	assert_int_equal(stun_long_term_key(algorithm ? algorithm : STUN_PASSWORD_MD5, name,
					    "example.org", password, &key),
			 0);
	result.hmac = stun_hmac_new(algorithm ? STUN_INTEGRITY_SHA256 : STUN_INTEGRITY_SHA1,
				    key.bytes, key.len);
	assert_non_null(result.hmac);
	return result;
}

static void set_credentials(struct turn_server *server)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "hidden"), 0);
	turn_server_set_credentials(server, credentials);
	turn_credentials_put(credentials);
}

void fixture_config(struct turn_config *config)
{
	static struct turn_relay_address relays[2];

	turn_config_init(config);
	relays[0].addr = addr("192.0.2.1");
	relays[1].addr = addr("2001:db8::1");
	config->realm = "example.org";
	config->software = "turnpike";
	config->relays = relays;
	config->n_relays = 2;
	config->user_quota = 3;
}

struct fixture *fixture_new(const struct turn_config *config)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->reach_until = TURN_NEVER;
	f->now = 1000 * SECOND;
	f->unix_time = 1700000000;
	f->tuple.client = addr("203.0.113.7:40000");
	f->tuple.server = addr("192.0.2.1:3478");
	assert_int_equal(turn_server_new(config, &fake_ops, f, &f->server), 0);
	set_credentials(f->server);
	f->alice = make_credentials("alice", "secret", 0);
	f->bob = make_credentials("bob", "hidden", 0);
	return f;
}

struct fixture *fixture_default(void)
{
	struct turn_config config;

	fixture_config(&config);
	return fixture_new(&config);
}

struct fixture *fixture_with_alternates(const char *const *alternates, size_t n)
{
	struct turnpike_addr addrs[4];
	struct turn_config config;

	fixture_config(&config);
	for (size_t i = 0; i < n; i++)
		addrs[i] = addr(alternates[i]);
	config.alternates = addrs;
	config.n_alternates = n;
	return fixture_new(&config);
}

void fixture_free(struct fixture *f)
{
	clear(f);
	turn_server_free(f->server, f->now);
	assert_int_equal(f->n_flows, 0);
	for (size_t i = 0; i < MAX_RELAYS; i++)
		assert_null(f->relays[i].relay);
	for (size_t i = 0; i < MAX_RELAYS; i++)
		assert_false(f->limits[i].used);
	stun_hmac_free(f->alice.hmac);
	stun_hmac_free(f->bob.hmac);
	free(f);
}

const struct turn_stats *stats(const struct fixture *f)
{
	return turn_server_stats(f->server);
}

void clear(struct fixture *f)
{
	f->n_events = 0;
	f->n_logged = 0;
}

void expect_events(const struct fixture *f, ...)
{
	va_list kinds;
	int kind;

	va_start(kinds, f);
	for (size_t i = 0; (kind = va_arg(kinds, int)) != 0; i++)
		assert_int_equal(event(f, i)->kind, kind);
	va_end(kinds);
	va_start(kinds, f);
	for (size_t i = 0; i < f->n_events; i++)
		assert_int_not_equal(va_arg(kinds, int), 0);
	va_end(kinds);
}

const struct event *event(const struct fixture *f, size_t index)
{
	assert_true(index < f->n_events);
	return &f->events[index];
}

const struct logged *only_logged(const struct fixture *f)
{
	assert_int_equal(f->n_logged, 1);
	return &f->logged[0];
}

void expire_at(struct fixture *f, uint64_t now)
{
	f->now = now;
	turn_server_expire(f->server, now);
}

struct turn_relay *relay_at(const struct fixture *f, const char *relay)
{
	struct turnpike_addr wanted = addr(relay);

	for (size_t i = 0; i < MAX_RELAYS; i++) {
		const struct fake_relay *candidate = &f->relays[i];

		if (candidate->relay && (wanted.port == 0 || wanted.port == candidate->addr.port) &&
		    memcmp(candidate->addr.ip, wanted.ip, sizeof(wanted.ip)) == 0)
			return candidate->relay;
	}
	fail_msg("no relay at %s", relay);
	return NULL;
}

struct fake_limits *only_limits(struct fixture *f)
{
	struct fake_limits *found = NULL;

	for (size_t i = 0; i < MAX_RELAYS; i++) {
		if (!f->limits[i].used)
			continue;
		assert_null(found);
		found = &f->limits[i];
	}
	assert_non_null(found);
	return found;
}

static struct turn_packet make_packet(const struct fixture *f, const void *data, size_t len)
{
	uint8_t *buf = malloc(TURN_HEADROOM + len + TURN_TAILROOM);

	assert_non_null(buf);
	if (len > 0)
		memcpy(buf + TURN_HEADROOM, data, len);
	return (struct turn_packet){ .data = buf + TURN_HEADROOM, .len = len, .ttl = f->ttl };
}

void from_client(struct fixture *f, const void *data, size_t len)
{
	struct turn_packet packet = make_packet(f, data, len);

	turn_server_client_input(f->server, &f->tuple, &packet, f->now);
	free(packet.data - TURN_HEADROOM);
}

void from_peer(struct fixture *f, const char *relay, const char *peer, const void *data, size_t len)
{
	struct turn_packet packet = make_packet(f, data, len);
	struct turnpike_addr from = addr(peer);

	turn_server_peer_input(f->server, relay_at(f, relay), &from, &packet, f->now);
	free(packet.data - TURN_HEADROOM);
}

void icmp_about(struct fixture *f, const char *relay, const char *peer, uint8_t type, uint8_t code,
		uint32_t mtu)
{
	struct turn_icmp icmp = { .type = type, .code = code, .mtu = mtu };
	struct turnpike_addr to = addr(peer);

	turn_server_icmp_input(f->server, relay_at(f, relay), &to, &icmp, f->now);
}

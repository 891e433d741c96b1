/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a TURN server: valid, invalid and arbitrary requests of clients on all transports,
 * data of clients and peers, passing time, failing operations of the owner, reloads. The owner in
 * turn_fixture.c checks the invariants of its operations. A model (turn_model.c) follows the
 * server's events and predicts what happens to data.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "turn_life.h"

#define STEPS   200
#define CLIENTS 3
#define LO      50000
#define HI      50003

static unsigned long long lives, successes, errors, to_peer, to_client, flows, by_indications,
	expired, pairs, tokens_used, repeated, gone, changes, drained, modern, reloads, removed,
	events[TURN_EVENT_REFUSED + 1];

/* Writes up to five attributes of any type and value. */
static void write_attributes(struct fixture *f, struct input *in)
{
	const uint8_t *value;
	uint16_t type;
	int n = take_byte(in) % 6;
	size_t len;

	while (n-- > 0) {
		type = (uint16_t)(take_byte(in) << 8);
		type |= take_byte(in);
		len = take_bytes(in, &value);
		stun_write_bytes(&f->request, (enum stun_attr_type)type, value, len);
	}
}

static void any_request(struct fixture *f, struct input *in, bool authentic)
{
	const uint8_t kind = take_byte(in);

	begin(f, (enum stun_class)(kind >> 6), (enum stun_method)(kind & 0xf));
	write_attributes(f, in);
	/* It may not fit the buffer. */
	if (stun_writer_end(&f->request, &(size_t){ 0 }))
		return;
	if (!authentic)
		send_plain(f);
	else if (f->nonce_len)
		send_signed(f, kind & 0x10 ? &f->bob : &f->alice);
}

static void any_message(struct fixture *f, struct input *in)
{
	const uint8_t *data;
	size_t len = take_bytes(in, &data);

	from_client(f, data, len);
}

static void bind_channel(struct fixture *f, struct input *in)
{
	const uint16_t number = 0x4000 + take_byte(in) % 4;

	channel_bind(f, number, take_peer(in));
}

static void allocate_pair(struct fixture *f, uint8_t family)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	if (family)
		stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
			       (uint32_t)family << 24);
	send_signed(f, &f->alice);
}

static void use_token(struct life *life, const struct credentials *user)
{
	struct fixture *f = life->f;
	const uint64_t before = turn_stats_by_reason(stats(f), TURN_REASON_NONE);

	if (!life->has_token)
		return;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, life->token,
			 sizeof(life->token));
	send_signed(f, user);
	tokens_used += turn_stats_by_reason(stats(f), TURN_REASON_NONE) > before;
	must(turn_stats_by_reason(stats(f), TURN_REASON_NONE) == before || user == &f->alice,
	     "only alice has tokens");
}

static void remember_token(struct life *life)
{
	const struct fixture *f = life->f;
	struct stun_message msg;
	struct stun_attr attr;

	for (size_t i = 0; i < f->n_events; i++) {
		const struct event *sent = &f->events[i];

		if (sent->kind != SEND_CLIENT || stun_parse(sent->data, sent->len, &msg) ||
		    stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &attr))
			continue;
		must(attr.len == sizeof(life->token), "a token is 8 bytes long");
		memcpy(life->token, attr.value, attr.len);
		life->has_token = true;
		pairs++;
	}
}

/* Sends the last request again: the answers are equal, except for LIFETIME. */
static void repeat(struct fixture *f)
{
	const uint64_t before = turn_stats_by_reason(stats(f), TURN_REASON_NONE);
	struct stun_message msg;

	if (!f->request.buf || f->request.error || f->n_events)
		return;
	send_plain(f);
	if (f->n_events != 1 || stun_parse(f->events[0].data, f->events[0].len, &msg) ||
	    msg.class != STUN_SUCCESS)
		return;
	clear(f);
	send_plain(f);
	must(turn_stats_by_reason(stats(f), TURN_REASON_NONE) == before + 2,
	     "a retransmission is answered alike");
	repeated++;
}

static void reconfigure(struct life *life, uint8_t how)
{
	struct turn_config config = life->config;

	if (how & 1) {
		config.deny = &life->denied;
		config.n_deny = 1;
	}
	if (how & 2) {
		config.max_permissions = 2;
		config.max_channels = 1;
		config.max_relays = 3;
	}
	if (how & 4)
		config.default_lifetime = 100;
	must(!turn_server_reconfigure(life->f->server, &config, life->f->now),
	     "the new configuration is valid");
	if (how & 1)
		model_deny(&life->model, &life->denied.addr);
	changes++;
}

static void drain(struct life *life)
{
	turn_server_drain(life->f->server, true);
	life->model.draining = true;
	drained++;
}

/* Changes alice's password, removes alice or bob, or adds a secret for time-limited usernames. */
static void reload(struct life *life, uint8_t how)
{
	struct turn_credentials *credentials;
	const char *password = how & 2 ? "other" : "secret";

	must(!turn_credentials_new("example.org", &credentials), "the realm is valid");
	if (!(how & 1))
		must(!turn_credentials_add_password(credentials, "alice", password),
		     "alice is new");
	if (!(how & 4))
		must(!turn_credentials_add_password(credentials, "bob", "hidden"), "bob is new");
	if (how & 8)
		must(!turn_credentials_add_secret(credentials, "north"), "a secret is valid");
	turn_server_set_credentials(life->f->server, credentials);
	turn_credentials_put(credentials);
	life->alice_is_in = !(how & 3);
	reloads++;
}

/* A removed user can only end an allocation. */
static void refresh_alice(struct life *life, uint32_t lifetime)
{
	const struct fixture *f = life->f;
	const uint64_t before = turn_stats_by_reason(stats(f), TURN_REASON_NONE);
	const bool has_one = turn_server_has_allocation(f->server, &f->tuple);

	refresh(life->f, lifetime);
	modern += f->alice.algorithm && turn_stats_by_reason(stats(f), TURN_REASON_NONE) > before;
	must(!lifetime || life->alice_is_in ||
		     turn_stats_by_reason(stats(f), TURN_REASON_NONE) == before,
	     "a removed user cannot extend an allocation");
	removed += has_one && !life->alice_is_in;
}

static void become_client(struct life *life, uint8_t who)
{
	struct fixture *f = life->f;
	const uint8_t form = who / CLIENTS / TURN_TRANSPORTS;

	f->alice = life->alices[form % 3];
	f->alice.userhash = form / 3 % 2;
	f->tuple.client.port = htons((uint16_t)(40000 + who % CLIENTS));
	f->tuple.transport = who / CLIENTS % TURN_TRANSPORTS;
	f->nonce_len = 0; /* it is bound to the old address */
}

static void let_fail(struct life *life, uint8_t how)
{
	struct fixture *f = life->f;

	if (how >= 0xe0) {
		reload(life, how & 0xf);
		return;
	}
	if (how & 1) {
		f->install_error = how & 2 ? -E2BIG : 0;
		return;
	}
	f->open_error = how & 2 ? -EADDRINUSE : -EMFILE;
	f->open_failures = how / 4 % 3;
}

/* Returns false if time has passed without turn_server_expire(), as if timers were late. */
static bool step(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const uint8_t what = take_byte(in);
	const struct credentials *user = what & 0x80 ? &f->bob : &f->alice;

	switch (what % 21) {
	case 0:
		allocate_as(f, user, take_byte(in) & 1 ? STUN_FAMILY_IPV6 : STUN_FAMILY_IPV4);
		break;
	case 1:
		allocate_both(f);
		break;
	case 2:
		allocate_pair(f, take_byte(in) % 4);
		break;
	case 3:
		use_token(life, user);
		break;
	case 4:
		refresh_alice(life, take_byte(in) * 20u);
		break;
	case 5:
		create_permission(f, take_peer(in));
		break;
	case 6:
		bind_channel(f, in);
		break;
	case 7:
		data_by_channel(life, in);
		break;
	case 8:
		data_by_indication(life, in);
		break;
	case 9:
		any_message(f, in);
		break;
	case 10:
		data_of_peer(life, in);
		break;
	case 11:
		any_request(f, in, true);
		break;
	case 12:
		any_request(f, in, false);
		break;
	case 13:
		expire_at(f, f->now + take_byte(in) * SECOND);
		expired++;
		break;
	case 14:
		f->now += take_byte(in) * SECOND;
		return false;
	case 15:
		let_fail(life, take_byte(in));
		break;
	case 16:
		f->nonce_len = 0;
		break;
	case 17:
		gone += model_channel(&life->model, &f->tuple, 0x4000, f->now) != NULL;
		turn_server_client_gone(f->server, &f->tuple, f->now);
		break;
	case 18:
		reconfigure(life, take_byte(in));
		break;
	case 19:
		if (take_byte(in) % 16 == 13)
			drain(life);
		else
			repeat(f);
		break;
	case 20:
		become_client(life, take_byte(in));
		break;
	}
	remember_token(life);
	clear(f);
	turn_server_expire(f->server, f->now);
	turn_server_record(f->server, f->now);
	clear(f);
	return true;
}

/* A flow has a live channel, or else a permission, and data has been relayed by indications. */
static void check_flow(const struct life *life, const struct turn_flow *flow)
{
	const uint64_t now = life->f->now;
	const struct model_peer *channel =
		model_channel_of(&life->model, &flow->relay, &flow->peer, now);

	must(flow->tuple.transport == TURN_UDP, "only clients on UDP have flows");
	must(flow->channel_expiry_ns > now, "no flow outlives its channel or permission");
	must(flow->channel == (channel ? channel->channel : 0), "the channel decides on the flow");
	must(channel || model_has_permission(&life->model, &flow->relay, &flow->peer, now),
	     "without a channel, a flow has a permission");
	by_indications += !channel;
}

static void check(struct life *life)
{
	const struct fixture *f = life->f;
	unsigned long long refused;
	size_t i;

	must(stats(f)->flows == f->n_flows, "flows are counted");
	must(f->n_flows <= stats(f)->channels + stats(f)->pairs,
	     "every flow belongs to a channel or a pair");
	for (i = 0; i < f->n_flows; i++)
		check_flow(life, &f->flows[i]);
	must(stats(f)->relays == life->model.n_relays, "every relay has raised an event");
	for (i = 0; i < life->model.n_relays; i++)
		must(life->model.relays[i].expiry > f->now, "no relay outlives its lifetime");
	refused = turn_stats_requests(stats(f)) - turn_stats_by_code(stats(f), 0);
	must(life->model.refused == refused, "every error response has raised an event");
}

static void on_event(void *arg, const struct turn_event *event, uint64_t now)
{
	model_event(arg, event, now);
}

static void begin_life(struct life *life)
{
	memset(life, 0, sizeof(*life));
	fixture_config(&life->config);
	life->config.port_lo = LO;
	life->config.port_hi = HI;
	life->config.record_interval = 60;
	life->denied = (struct addr_cidr){ addr("198.51.100.2"), 32 };
	life->f = fixture_new(&life->config);
	life->alice_is_in = true;
	life->alices[0] = life->f->alice;
	life->alices[1] = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	life->alices[2] = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	life->f->on_event = on_event;
	life->f->on_event_arg = &life->model;
}

static void end_life(struct life *life)
{
	struct fixture *f = life->f;
	size_t i;

	lives++;
	successes += turn_stats_by_reason(stats(f), TURN_REASON_NONE);
	errors += turn_stats_requests(stats(f)) - turn_stats_by_code(stats(f), 0);
	to_peer += stats(f)->to_peer.packets;
	to_client += stats(f)->to_client.packets;
	f->alice = life->alices[0];
	stun_hmac_free(life->alices[1].hmac);
	stun_hmac_free(life->alices[2].hmac);
	fixture_free(f);
	must(life->model.n_relays == 0, "every relay has ended");
	for (i = 0; i <= TURN_EVENT_REFUSED; i++)
		events[i] += life->model.events[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	static struct life life;
	int i;

	begin_life(&life);
	for (i = 0; i < STEPS && in.left; i++) {
		if (step(&life, &in))
			check(&life);
		flows += life.f->n_flows;
	}
	end_life(&life);
	return 0;
}

int fuzz_missed(void)
{
	return missed("lives", lives) + missed("success responses", successes) +
	       missed("error responses", errors) + missed("relayed to peers", to_peer) +
	       missed("relayed to clients", to_client) + data_missed() + missed("flows", flows) +
	       missed("flows of pairs", by_indications) + missed("expiries", expired) +
	       missed("reservations", pairs) + missed("reservations used", tokens_used) +
	       missed("retransmissions", repeated) + missed("clients gone", gone) +
	       missed("requests of RFC 8489", modern) + missed("reloads", reloads) +
	       missed("refreshes of removed users", removed) +
	       missed("changes of the configuration", changes) + missed("drains", drained) +
	       missed("events: allocated", events[TURN_EVENT_ALLOCATED]) +
	       missed("events: refreshed", events[TURN_EVENT_REFRESHED]) +
	       missed("events: ended", events[TURN_EVENT_ENDED]) +
	       missed("events: interim", events[TURN_EVENT_INTERIM]) +
	       missed("events: permitted", events[TURN_EVENT_PERMITTED]) +
	       missed("events: bound", events[TURN_EVENT_BOUND]) +
	       missed("events: refused", events[TURN_EVENT_REFUSED]);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A life of a TURN server: clients on all transports whose requests are theirs or anything at all,
 * peers, time that passes, an owner that fails, and one that changes its mind. That owner
 * (turn_fixture.c) watches over what must always hold; a model (turn_model.c) knows from what the
 * server tells what has to become of data.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "fuzz.h"
#include "turn_fixture.h"
#include "turn_model.h"

#define STEPS   200
#define CLIENTS 3
#define LO      50000
#define HI      50003

/* What is left of the input. */
struct input {
	const uint8_t *pos;
	size_t left;
};

/* A server with all that a step may need. */
struct life {
	struct fixture *f;
	struct model model;
	struct turn_config config;
	struct addr_cidr denied;
	struct credentials alices[3]; /* by the algorithm that she uses */
	bool alice_is_in;
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	bool has_token;
};

static const char *const peers[] = {
	"198.51.100.1:7000", "198.51.100.1:7001",    "198.51.100.2:7000",    "198.51.100.3:7001",
	"192.0.2.1:50000",   "[2001:db8:5::1]:7000", "[2001:db8:5::2]:7000",
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))
#define OURS  4 /* is ourselves, or whoever has that port */

static unsigned long long lives, successes, errors, to_peer, to_client, flows, expired, pairs,
	tokens_used, repeated, gone, changes, drained, fragments, streams, modern, reloads,
	outcasts, told[TURN_EVENT_REFUSED + 1];

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->pos++;
}

/* As many bytes as the next one says, and as there are. */
static size_t bytes(struct input *in, const uint8_t **ret)
{
	size_t len = byte(in);

	if (len > in->left)
		len = in->left;
	*ret = in->pos;
	in->pos += len;
	in->left -= len;
	return len;
}

static const char *peer(struct input *in)
{
	return peers[byte(in) % PEERS];
}

/* Attributes: type, length, value; as many as there are. */
static void write_attributes(struct fixture *f, struct input *in)
{
	const uint8_t *value;
	uint16_t type;
	int n = byte(in) % 6;
	size_t len;

	while (n-- > 0) {
		type = (uint16_t)(byte(in) << 8);
		type |= byte(in);
		len = bytes(in, &value);
		stun_write_bytes(&f->request, (enum stun_attr_type)type, value, len);
	}
}

static void any_request(struct fixture *f, struct input *in, bool authentic)
{
	const uint8_t kind = byte(in);

	begin(f, (enum stun_class)(kind >> 6), (enum stun_method)(kind & 0xf));
	write_attributes(f, in);
	/* What does not fit is no request. */
	if (stun_writer_end(&f->request, &(size_t){ 0 }))
		return;
	if (!authentic)
		send_plain(f);
	else if (f->nonce_len)
		send_signed(f, kind & 0x10 ? &f->bob : &f->alice);
}

/* Of those of a family that are open, the one that comes next. */
static const struct fake_relay *any_relay(const struct fixture *f, uint8_t which,
					  unsigned int family)
{
	for (size_t i = 0; i < MAX_RELAYS; i++) {
		const struct fake_relay *relay = &f->relays[(which + i) % MAX_RELAYS];

		if (relay->relay && relay->addr.family == family)
			return relay;
	}
	return NULL;
}

static void expect_channel_data(const struct life *life, const struct model_peer *channel,
				const uint8_t *data, size_t len)
{
	const struct event *sent = &life->f->events[0];
	bool padded = turn_transport_is_stream(sent->tuple.transport);

	must(sent->len == 4 + (padded ? (len + 3) / 4 * 4 : len), "padded in streams alone");
	must(sent->data[0] == channel->channel >> 8 && sent->data[1] == (channel->channel & 0xff) &&
		     sent->data[2] == 0 && sent->data[3] == len &&
		     !memcmp(sent->data + 4, data, len),
	     "what the peer has sent, on its channel");
	streams += padded;
}

static void expect_indication(const struct life *life, const struct turnpike_addr *from,
			      const uint8_t *data, size_t len)
{
	const struct event *sent = &life->f->events[0];
	struct stun_attr peer_attr, data_attr;
	struct turnpike_addr said;
	struct stun_message msg;

	must(!stun_parse(sent->data, sent->len, &msg) && msg.class == STUN_INDICATION &&
		     msg.method == TURN_DATA,
	     "a Data indication");
	must(!stun_find_attr(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &peer_attr) &&
		     !stun_attr_xor_addr(&msg, &peer_attr, &said) && addr_equal(&said, from),
	     "of that peer");
	must(!stun_find_attr(&msg, STUN_ATTR_DATA, &data_attr) && data_attr.len == len &&
		     !memcmp(data_attr.value, data, len),
	     "with what it has sent");
}

static void data_of_peer(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const uint8_t which = byte(in);
	const char *name = peer(in);
	const struct turnpike_addr from = addr(name);
	const struct fake_relay *relay = any_relay(f, which, from.family);
	const struct model_peer *channel;
	char text[ADDR_TEXT_MAX];
	const uint8_t *data;
	size_t len = bytes(in, &data);

	if (!relay || name == peers[OURS])
		return;
	addr_format(&relay->addr, text);
	from_peer(f, text, name, data, len);
	if (!model_has_permission(&life->model, &relay->addr, &from, f->now)) {
		must(f->n_events == 0, "no permission, no data");
		return;
	}
	must(f->n_events == 1 && f->events[0].kind == SEND_CLIENT, "a permission, so data");
	must(!memcmp(&f->events[0].tuple, &model_relay(&life->model, &relay->addr, f->now)->tuple,
		     sizeof(f->events[0].tuple)),
	     "for the client whose relay it is");
	channel = model_channel_of(&life->model, &relay->addr, &from, f->now);
	if (channel)
		expect_channel_data(life, channel, data, len);
	else
		expect_indication(life, &from, data, len);
}

/* What the client sends goes to @peer, if that is somebody, and may. */
static void expect_sent(const struct life *life, bool may, const struct turnpike_addr *to,
			const uint8_t *data, size_t len)
{
	const struct fixture *f = life->f;
	const struct event *sent = &f->events[0];
	const struct turnpike_addr ours = addr("192.0.2.1");

	if (may && memcmp(to->ip, ours.ip, sizeof(ours.ip)) == 0)
		return;
	must(f->n_events == may, "sent if it may be");
	if (!may)
		return;
	must(sent->kind == SEND_PEER && addr_equal(&sent->addr, to) && sent->len == len &&
		     !memcmp(sent->data, data, len),
	     "what the client has sent, to whom it has said");
}

static void data_by_indication(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const bool whole = byte(in) & 1;
	const char *name = peer(in);
	const struct turnpike_addr to = addr(name);
	const struct model_relay *relay = NULL;
	const uint8_t *data;
	size_t len = bytes(in, &data);

	for (size_t i = 0; i < life->model.n_relays; i++) {
		const struct model_relay *candidate = &life->model.relays[i];

		if (candidate->addr.family == to.family &&
		    !memcmp(&candidate->tuple, &f->tuple, sizeof(f->tuple)))
			relay = candidate;
	}
	begin_send(f, name);
	stun_write_bytes(&f->request, STUN_ATTR_DATA, data, len);
	if (whole)
		stun_write_bytes(&f->request, STUN_ATTR_DONT_FRAGMENT, "", 0);
	send_plain(f);
	expect_sent(life, relay && model_has_permission(&life->model, &relay->addr, &to, f->now),
		    &to, data, len);
	if (f->n_events && f->events[0].dont_fragment) {
		must(whole, "asked for");
		fragments++;
	}
}

static void data_of_client(struct fixture *f, struct input *in)
{
	const uint8_t *data;
	size_t len = bytes(in, &data);

	from_client(f, data, len);
}

static void channel_data(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	uint8_t data[4 + 255];
	const uint8_t *payload;
	const uint16_t number = 0x4000 + byte(in) % 4;
	size_t len = bytes(in, &payload);
	const struct model_peer *channel = model_channel(&life->model, &f->tuple, number, f->now);

	data[0] = 0x40;
	data[1] = (uint8_t)number;
	data[2] = 0;
	data[3] = (uint8_t)len;
	memcpy(data + 4, payload, len);
	from_client(f, data, 4 + len);
	expect_sent(life, channel, channel ? &channel->peer : NULL, payload, len);
}

static void bind_channel(struct fixture *f, struct input *in)
{
	const uint16_t number = 0x4000 + byte(in) % 4;

	channel_bind(f, number, peer(in));
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
	const uint64_t before = stats(f)->successes;

	if (!life->has_token)
		return;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, life->token,
			 sizeof(life->token));
	send_signed(f, user);
	tokens_used += stats(f)->successes > before;
	must(stats(f)->successes == before || user == &f->alice, "hers, as all tokens");
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
		must(attr.len == sizeof(life->token), "a token");
		memcpy(life->token, attr.value, attr.len);
		life->has_token = true;
		pairs++;
	}
}

/* The same request once more: answered alike, but for what is left to live. */
static void repeat(struct fixture *f)
{
	const uint64_t before = stats(f)->successes;
	struct stun_message msg;

	if (!f->request.buf || f->request.error || f->n_events)
		return;
	send_plain(f);
	if (f->n_events != 1 || stun_parse(f->events[0].data, f->events[0].len, &msg) ||
	    msg.class != STUN_SUCCESS)
		return;
	clear(f);
	send_plain(f);
	must(stats(f)->successes == before + 2, "answered alike");
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
	must(!turn_server_reconfigure(life->f->server, &config, life->f->now), "a change");
	if (how & 1)
		model_deny(&life->model, &life->denied.addr);
	changes++;
}

static void drain(struct life *life)
{
	turn_server_drain(life->f->server);
	life->model.draining = true;
	drained++;
}

/* Alice's password changes, or she is taken out, or those with names from a secret come in as well.
 */
static void reload(struct life *life, uint8_t how)
{
	struct turn_credentials *credentials;
	const char *password = how & 2 ? "other" : "secret";

	must(!turn_credentials_new("example.org", &credentials), "credentials");
	if (!(how & 1))
		must(!turn_credentials_add_password(credentials, "alice", password), "alice");
	if (!(how & 4))
		must(!turn_credentials_add_password(credentials, "bob", "hidden"), "bob");
	if (how & 8)
		must(!turn_credentials_add_secret(credentials, "north"), "a secret");
	turn_server_set_credentials(life->f->server, credentials);
	turn_credentials_put(credentials);
	life->alice_is_in = !(how & 3);
	reloads++;
}

/* Who is not let in any more may end what she has, and no more than that. */
static void refresh_alice(struct life *life, uint32_t lifetime)
{
	const struct fixture *f = life->f;
	const uint64_t before = stats(f)->successes;
	const bool has_one = turn_server_has_allocation(f->server, &f->tuple);

	refresh(life->f, lifetime);
	modern += f->alice.algorithm && stats(f)->successes > before;
	must(!lifetime || life->alice_is_in || stats(f)->successes == before, "not prolonged");
	outcasts += has_one && !life->alice_is_in;
}

static void be(struct life *life, uint8_t who)
{
	struct fixture *f = life->f;
	const uint8_t form = who / CLIENTS / TURN_TRANSPORTS;

	f->alice = life->alices[form % 3];
	f->alice.userhash = form / 3 % 2;
	f->tuple.client.port = htons((uint16_t)(40000 + who % CLIENTS));
	f->tuple.transport = who / CLIENTS % TURN_TRANSPORTS;
	f->nonce_len = 0; /* it is for another address */
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

/* Returns false if timers may be late now, so that all there is need not be alive. */
static bool step(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const uint8_t what = byte(in);
	const struct credentials *user = what & 0x80 ? &f->bob : &f->alice;

	switch (what % 21) {
	case 0:
		allocate_as(f, user, byte(in) & 1 ? STUN_FAMILY_IPV6 : STUN_FAMILY_IPV4);
		break;
	case 1:
		allocate_both(f);
		break;
	case 2:
		allocate_pair(f, byte(in) % 4);
		break;
	case 3:
		use_token(life, user);
		break;
	case 4:
		refresh_alice(life, byte(in) * 20u);
		break;
	case 5:
		create_permission(f, peer(in));
		break;
	case 6:
		bind_channel(f, in);
		break;
	case 7:
		channel_data(life, in);
		break;
	case 8:
		data_by_indication(life, in);
		break;
	case 9:
		data_of_client(f, in);
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
		expire_at(f, f->now + byte(in) * SECOND);
		expired++;
		break;
	case 14:
		f->now += byte(in) * SECOND;
		return false;
	case 15:
		let_fail(life, byte(in));
		break;
	case 16:
		f->nonce_len = 0;
		break;
	case 17:
		gone += model_channel(&life->model, &f->tuple, 0x4000, f->now) != NULL;
		turn_server_client_gone(f->server, &f->tuple, f->now);
		break;
	case 18:
		reconfigure(life, byte(in));
		break;
	case 19:
		if (byte(in) % 16 == 13)
			drain(life);
		else
			repeat(f);
		break;
	case 20:
		be(life, byte(in));
		break;
	}
	remember_token(life);
	clear(f);
	turn_server_expire(f->server, f->now);
	clear(f);
	return true;
}

static void check(struct life *life)
{
	const struct fixture *f = life->f;
	unsigned long long refused = 0;
	size_t i;

	must(stats(f)->flows == f->n_flows, "flows are counted");
	must(f->n_flows <= stats(f)->channels, "every flow is a channel's");
	for (i = 0; i < f->n_flows; i++) {
		must(f->flows[i].channel_expiry_ns > f->now, "no flow outlives its channel");
		must(f->flows[i].tuple.transport == TURN_UDP, "flows are of UDP");
	}
	must(stats(f)->relays == life->model.n_relays, "all relays have been told of");
	for (i = 0; i < life->model.n_relays; i++)
		must(life->model.relays[i].expiry > f->now, "none outlives its time");
	for (i = 0; i < TURN_ERROR_COUNT; i++)
		refused += stats(f)->errors[i];
	must(life->model.refused == refused, "all refusals have been told of");
}

static void tell(void *arg, const struct turn_event *event, uint64_t now)
{
	model_tell(arg, event, now);
}

static void begin_life(struct life *life)
{
	memset(life, 0, sizeof(*life));
	fixture_config(&life->config);
	life->config.port_lo = LO;
	life->config.port_hi = HI;
	life->denied = (struct addr_cidr){ addr("198.51.100.2"), 32 };
	life->f = fixture_new(&life->config);
	life->alice_is_in = true;
	life->alices[0] = life->f->alice;
	life->alices[1] = make_credentials("alice", "secret", STUN_PASSWORD_MD5);
	life->alices[2] = make_credentials("alice", "secret", STUN_PASSWORD_SHA256);
	life->f->on_told = tell;
	life->f->on_told_arg = &life->model;
}

static void end_life(struct life *life)
{
	struct fixture *f = life->f;
	size_t i;

	lives++;
	successes += stats(f)->successes;
	for (i = 0; i < TURN_ERROR_COUNT; i++)
		errors += stats(f)->errors[i];
	to_peer += stats(f)->to_peer.packets;
	to_client += stats(f)->to_client.packets;
	f->alice = life->alices[0];
	stun_hmac_free(life->alices[1].hmac);
	stun_hmac_free(life->alices[2].hmac);
	fixture_free(f);
	must(life->model.n_relays == 0, "all have ended");
	for (i = 0; i <= TURN_EVENT_REFUSED; i++)
		told[i] += life->model.told[i];
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
	       missed("without fragmentation", fragments) +
	       missed("relayed to clients", to_client) + missed("in streams", streams) +
	       missed("flows that lived", flows) + missed("times that time passed", expired) +
	       missed("reservations", pairs) + missed("reservations used", tokens_used) +
	       missed("requests repeated", repeated) + missed("clients gone", gone) +
	       missed("requests of RFC 8489", modern) + missed("reloads", reloads) +
	       missed("refreshes of who is out", outcasts) +
	       missed("changes of the configuration", changes) + missed("drained", drained) +
	       missed("told of: allocated", told[TURN_EVENT_ALLOCATED]) +
	       missed("told of: refreshed", told[TURN_EVENT_REFRESHED]) +
	       missed("told of: ended", told[TURN_EVENT_ENDED]) +
	       missed("told of: permitted", told[TURN_EVENT_PERMITTED]) +
	       missed("told of: bound", told[TURN_EVENT_BOUND]) +
	       missed("told of: refused", told[TURN_EVENT_REFUSED]);
}

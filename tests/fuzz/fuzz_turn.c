/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A life of a TURN server: clients whose requests are theirs or anything at all, peers, time that
 * passes, and an owner that fails. That owner (turn_fixture.c) watches over what must always hold.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "turn_fixture.h"

#define STEPS   200
#define PEERS   5
#define CLIENTS 3

/* What is left of the input. */
struct input {
	const uint8_t *pos;
	size_t left;
};

static unsigned long long lives, successes, errors, to_peer, to_client, flows, expired;

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

static const char *peer(uint8_t which, char text[static 32])
{
	snprintf(text, 32, "198.51.100.%d:%d", which % PEERS / 2 + 1, which % 2 + 7000);
	return text;
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

static void data_of_peer(struct fixture *f, struct input *in)
{
	const uint8_t from = byte(in);
	const uint8_t *data;
	size_t len = bytes(in, &data);
	char text[32];
	size_t i;

	for (i = 0; i < MAX_RELAYS; i++) {
		if (!f->relays[i].relay || f->relays[i].addr.family != TURNPIKE_IPV4)
			continue;
		from_peer(f, "192.0.2.1", peer(from, text), data, len);
		return;
	}
}

static void data_of_client(struct fixture *f, struct input *in)
{
	const uint8_t *data;
	size_t len = bytes(in, &data);

	from_client(f, data, len);
}

static void channel_data(struct fixture *f, struct input *in)
{
	uint8_t data[4 + 255];
	const uint8_t *payload;
	const uint8_t number = byte(in);
	size_t len = bytes(in, &payload);

	data[0] = 0x40;
	data[1] = number % 4;
	data[2] = 0;
	data[3] = (uint8_t)len;
	memcpy(data + 4, payload, len);
	from_client(f, data, 4 + len);
}

static void step(struct fixture *f, struct input *in)
{
	const uint8_t what = byte(in);
	char text[32];

	f->tuple.client.port = htons((uint16_t)(40000 + (what >> 4) % CLIENTS));
	switch (what % 13) {
	case 0:
		allocate_as(f, what & 0x80 ? &f->bob : &f->alice,
			    byte(in) & 1 ? STUN_FAMILY_IPV6 : STUN_FAMILY_IPV4);
		break;
	case 1:
		refresh(f, byte(in) * 20u);
		break;
	case 2:
		create_permission(f, peer(byte(in), text));
		break;
	case 3:
		channel_bind(f, (uint16_t)(0x4000 + byte(in) % 4), peer(byte(in), text));
		break;
	case 4:
		channel_data(f, in);
		break;
	case 5:
		data_of_client(f, in);
		break;
	case 6:
		data_of_peer(f, in);
		break;
	case 7:
		any_request(f, in, true);
		break;
	case 8:
		any_request(f, in, false);
		break;
	case 9:
		expire_at(f, f->now + byte(in) * SECOND);
		expired++;
		break;
	case 10:
		f->install_error = byte(in) & 1 ? -E2BIG : 0;
		break;
	case 11:
		f->open_error = -EADDRINUSE;
		f->open_failures = byte(in) % 3;
		break;
	case 12:
		f->nonce_len = 0;
		break;
	}
}

static void check(struct fixture *f)
{
	size_t i;

	must(stats(f)->flows == f->n_flows, "flows are counted");
	must(f->n_flows <= stats(f)->channels, "every flow is a channel's");
	for (i = 0; i < f->n_flows; i++)
		must(f->flows[i].channel_expiry_ns > f->now, "no flow outlives its channel");
}

/* Kept from one input to the next are the keys only, which take long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct turn_config config;
	struct fixture *f;
	int i;

	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50003;
	f = fixture_new(&config);
	for (i = 0; i < STEPS && in.left; i++) {
		step(f, &in);
		clear(f);
		turn_server_expire(f->server, f->now);
		clear(f);
		check(f);
		flows += f->n_flows;
	}
	lives++;
	successes += stats(f)->successes;
	for (i = 0; i < TURN_ERROR_COUNT; i++)
		errors += stats(f)->errors[i];
	to_peer += stats(f)->to_peer.packets;
	to_client += stats(f)->to_client.packets;
	fixture_free(f);
	return 0;
}

int fuzz_missed(void)
{
	return missed("lives", lives) + missed("success responses", successes) +
	       missed("error responses", errors) + missed("relayed to peers", to_peer) +
	       missed("relayed to clients", to_client) + missed("flows that lived", flows) +
	       missed("times that time passed", expired);
}

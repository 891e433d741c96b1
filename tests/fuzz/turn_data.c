/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "private/array_len.h"
#include "turn_life.h"

static const char *const peers[] = {
	"198.51.100.1:7000", "198.51.100.1:7001",    "198.51.100.2:7000",    "198.51.100.3:7001",
	"192.0.2.1:50000",   "[2001:db8:5::1]:7000", "[2001:db8:5::2]:7000",
};

#define PEERS ARRAY_LEN(peers)
#define SELF  4 /* a port of our relay address, live or not */

static unsigned long long fragments, streams;

uint8_t take_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->pos++;
}

size_t take_bytes(struct input *in, const uint8_t **ret)
{
	size_t len = take_byte(in);

	if (len > in->left)
		len = in->left;
	*ret = in->pos;
	in->pos += len;
	in->left -= len;
	return len;
}

const char *take_peer(struct input *in)
{
	return peers[take_byte(in) % PEERS];
}

/* Returns the next open relay of a family, beginning at @which. */
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

/* Whether the only datagram since clear() is of @kind. With it, a pair may get its flow. */
static bool sent_one(const struct fixture *f, enum event_kind kind)
{
	const struct event *next = &f->events[1];

	if (!f->n_events || f->events[0].kind != kind)
		return false;
	/* A channel that has expired, whose timer is late, gives way to the pair. */
	if (f->n_events == 3 && next->kind == REMOVE_FLOW)
		return next[1].kind == INSTALL_FLOW;
	return f->n_events == 1 || (f->n_events == 2 && next->kind == INSTALL_FLOW);
}

static void expect_channel_data(const struct life *life, const struct model_peer *channel,
				const uint8_t *data, size_t len)
{
	const struct event *sent = &life->f->events[0];
	bool padded = turn_transport_is_stream(sent->tuple.transport);

	must(sent->len == 4 + (padded ? (len + 3) / 4 * 4 : len),
	     "ChannelData is padded in streams only");
	must(sent->data[0] == channel->channel >> 8 && sent->data[1] == (channel->channel & 0xff) &&
		     sent->data[2] == 0 && sent->data[3] == len &&
		     !memcmp(sent->data + 4, data, len),
	     "ChannelData carries the data of the peer");
	streams += padded;
}

static void expect_indication(const struct life *life, const struct turnpike_addr *from,
			      const uint8_t *data, size_t len)
{
	const struct event *sent = &life->f->events[0];
	struct stun_attr peer_attr, data_attr;
	struct turnpike_addr source;
	struct stun_message msg;

	must(!stun_parse(sent->data, sent->len, &msg) && msg.class == STUN_INDICATION &&
		     msg.method == TURN_DATA,
	     "without a channel, data comes in a Data indication");
	must(!stun_find_attr(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &peer_attr) &&
		     !stun_attr_xor_addr(&msg, &peer_attr, &source) && addr_equal(&source, from),
	     "it names the peer");
	must(!stun_find_attr(&msg, STUN_ATTR_DATA, &data_attr) && data_attr.len == len &&
		     !memcmp(data_attr.value, data, len),
	     "it carries the data of the peer");
}

void data_of_peer(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const uint8_t which = take_byte(in);
	const char *name = take_peer(in);
	const struct turnpike_addr from = addr(name);
	const struct fake_relay *relay = any_relay(f, which, from.family);
	const struct model_peer *channel;
	char text[ADDR_TEXT_MAX];
	const uint8_t *data;
	size_t len = take_bytes(in, &data);

	if (!relay || name == peers[SELF])
		return;
	addr_format(&relay->addr, text);
	from_peer(f, text, name, data, len);
	if (!model_has_permission(&life->model, &relay->addr, &from, f->now)) {
		must(f->n_events == 0, "data without a permission is dropped");
		return;
	}
	must(sent_one(f, SEND_CLIENT), "data with a permission is relayed");
	must(!memcmp(&f->events[0].tuple, &model_relay(&life->model, &relay->addr, f->now)->tuple,
		     sizeof(f->events[0].tuple)),
	     "data goes to the client of the relay");
	channel = model_channel_of(&life->model, &relay->addr, &from, f->now);
	if (channel)
		expect_channel_data(life, channel, data, len);
	else
		expect_indication(life, &from, data, len);
}

/* Data of the client goes to @to if it may. On our relay address that depends on the port. */
static void expect_sent(const struct life *life, bool may, const struct turnpike_addr *to,
			const uint8_t *data, size_t len)
{
	const struct fixture *f = life->f;
	const struct event *sent = &f->events[0];
	const struct turnpike_addr ours = addr("192.0.2.1");

	if (may && memcmp(to->ip, ours.ip, sizeof(ours.ip)) == 0)
		return;
	if (!may) {
		must(f->n_events == 0, "data that the model does not permit is dropped");
		return;
	}
	must(sent_one(f, SEND_PEER) && addr_equal(&sent->addr, to) && sent->len == len &&
		     !memcmp(sent->data, data, len),
	     "the data reaches the peer that the client named");
}

void data_by_indication(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	const bool whole = take_byte(in) & 1;
	const char *name = take_peer(in);
	const struct turnpike_addr to = addr(name);
	const struct model_relay *relay = NULL;
	const uint8_t *data;
	size_t len = take_bytes(in, &data);

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
		must(whole, "DF is set only on request");
		fragments++;
	}
}

void data_by_channel(struct life *life, struct input *in)
{
	struct fixture *f = life->f;
	uint8_t data[4 + 255];
	const uint8_t *payload;
	const uint16_t number = 0x4000 + take_byte(in) % 4;
	size_t len = take_bytes(in, &payload);
	const struct model_peer *channel = model_channel(&life->model, &f->tuple, number, f->now);

	data[0] = 0x40;
	data[1] = (uint8_t)number;
	data[2] = 0;
	data[3] = (uint8_t)len;
	memcpy(data + 4, payload, len);
	from_client(f, data, 4 + len);
	expect_sent(life, channel, channel ? &channel->peer : NULL, payload, len);
}

int data_missed(void)
{
	return missed("datagrams with DF", fragments) + missed("ChannelData in streams", streams);
}

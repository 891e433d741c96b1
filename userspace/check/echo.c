/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/random.h"

/** An audio packet of 160 bytes with an RTP header. */
#define PAYLOAD  172
#define INTERVAL (10 * NS_PER_MS)
/** How long to wait for the last packets. */
#define LINGER NS_PER_S

/** struct run - @payload: of every packet, but for its number in the first byte */
struct run {
	struct check_session *from;
	struct check_session *to;
	uint16_t channel;
	uint8_t payload[PAYLOAD];
	uint64_t sent_at[CHECK_ECHO_PACKETS];
	uint64_t rtts[CHECK_ECHO_PACKETS];
	bool seen[CHECK_ECHO_PACKETS];
	unsigned int sent;
	unsigned int received;
};

_Static_assert(CHECK_ECHO_PACKETS <= UINT8_MAX, "the number of a packet is one byte");

static bool is_from(const struct check_data *data, const struct check_session *peer,
		    uint16_t channel)
{
	return data->channel == channel && (channel || addr_equal(&data->peer, &peer->relayed));
}

static int send_next(struct run *run)
{
	const struct check_data data = {
		.bytes = run->payload,
		.len = PAYLOAD,
		.peer = run->to->relayed,
		.channel = run->channel,
	};

	run->payload[0] = (uint8_t)run->sent;
	run->sent_at[run->sent++] = clock_now();
	return check_session_send(run->from, &data);
}

/* The far client sends back whatever comes from the near one. */
static int reflect(struct run *run)
{
	struct check_data data;
	int err;

	for (int i = 0; i < CHECK_DRAIN_MAX; i++) {
		err = check_session_receive(run->to, &data);
		if (err)
			return err == -EAGAIN ? 0 : err;
		if (!is_from(&data, run->from, run->channel))
			continue;
		err = check_session_send(run->to, &data);
		if (err)
			return err;
	}
	return 0;
}

static void count(struct run *run, const struct check_data *data)
{
	const unsigned int number = data->len == PAYLOAD ? data->bytes[0] : CHECK_ECHO_PACKETS;

	if (number >= run->sent || run->seen[number] ||
	    memcmp(data->bytes + 1, run->payload + 1, PAYLOAD - 1) != 0)
		return;
	run->seen[number] = true;
	run->rtts[run->received++] = clock_now() - run->sent_at[number];
}

static int collect(struct run *run)
{
	struct check_data data;
	int err;

	for (int i = 0; i < CHECK_DRAIN_MAX; i++) {
		err = check_session_receive(run->from, &data);
		if (err)
			return err == -EAGAIN ? 0 : err;
		if (is_from(&data, run->to, run->channel))
			count(run, &data);
	}
	return 0;
}

static int exchange(struct run *run)
{
	uint64_t next = clock_now();
	int err = 0;

	while (!err && (run->sent < CHECK_ECHO_PACKETS ||
			(run->received < run->sent && clock_now() < next))) {
		if (run->sent < CHECK_ECHO_PACKETS && clock_now() >= next) {
			err = send_next(run);
			next += run->sent < CHECK_ECHO_PACKETS ? INTERVAL : LINGER;
		}
		check_transport_wait(&run->from->transport, &run->to->transport, next);
		if (!err)
			err = reflect(run);
		if (!err)
			err = collect(run);
	}
	return err;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int check_echo_run(struct check_session *from, struct check_session *to, uint16_t channel,
		   struct check_echo *echo)
{
	struct run run = { .from = from, .to = to, .channel = channel };
	uint64_t median;
	int err;

	random_fill(run.payload, sizeof(run.payload));
	err = exchange(&run);
	if (err)
		return err;
	qsort(run.rtts, run.received, sizeof(run.rtts[0]), by_size);
	median = run.rtts[run.received / 2];
	*echo = (struct check_echo){
		.sent = run.sent,
		.received = run.received,
		.rtt_ms = (double)median / NS_PER_MS,
	};
	return 0;
}

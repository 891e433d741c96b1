/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages of a stream, however the kernel has divided it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/stream_rx.h"
#include "private/array_len.h"

#define DATA_MAX (512 << 10)

/** struct sent - the stream as the client sends it, and how much of it has been handled */
struct sent {
	uint8_t *data;
	size_t len;
	size_t handled;
};

static struct stream_rx rx;

/* Appends ChannelData with a pattern, which depends on the place. */
static void put_channel_data(struct sent *sent, size_t len)
{
	uint8_t *message = sent->data + sent->len;
	const size_t padded = (len + 3) / 4 * 4;

	message[0] = 0x40;
	message[1] = 0;
	message[2] = (uint8_t)(len >> 8);
	message[3] = (uint8_t)len;
	for (size_t i = 0; i < padded; i++)
		message[4 + i] = (uint8_t)((sent->len + i) * 31 >> 3);
	sent->len += 4 + padded;
}

static void put_request(struct sent *sent, size_t len)
{
	static const uint8_t header[] = { 0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	uint8_t *message = sent->data + sent->len;

	memset(message, (int)len, 20 + len);
	memcpy(message, header, sizeof(header));
	message[2] = (uint8_t)(len >> 8);
	message[3] = (uint8_t)len;
	sent->len += 20 + len;
}

/* Writes to @room as readv(2) does. */
static void fill(const struct iovec *room, int n, const uint8_t *data, size_t len)
{
	for (int i = 0; i < n && len > 0; i++) {
		const size_t here = len < room[i].iov_len ? len : room[i].iov_len;

		memcpy(room[i].iov_base, data, here);
		data += here;
		len -= here;
	}
	assert_int_equal(len, 0);
}

/* The core may overwrite a message and the room around it. */
static void handle(struct sent *sent, const struct turn_packet *message)
{
	assert_in_range(sent->handled + message->len, 1, sent->len);
	assert_memory_equal(message->data, sent->data + sent->handled, message->len);
	assert_int_equal(message->ttl, 0);
	sent->handled += message->len;
	memset(message->data - TURN_HEADROOM, 0xee, TURN_HEADROOM + message->len + TURN_TAILROOM);
}

static int handle_all(struct sent *sent, struct stream_partial *partial)
{
	struct turn_packet message;
	size_t len;
	int err;

	for (;;) {
		err = stream_rx_next(&rx, partial, &message, &len);
		if (!err)
			handle(sent, &message);
		else if (err == -EAGAIN)
			err = stream_rx_keep(&rx, partial, len);
		if (err)
			return err;
	}
}

static size_t room_len(const struct iovec *room, int n)
{
	return room[0].iov_len + (n > 1 ? room[1].iov_len : 0);
}

/* Lets the stream arrive in pieces of 1 to @most bytes. */
static void receive(struct sent *sent, size_t most)
{
	struct stream_partial partial = { 0 };
	size_t arrived = 0;

	sent->handled = 0;
	while (arrived < sent->len) {
		struct iovec room[2] = { 0 };
		const int n = stream_rx_room(&rx, &partial, room);
		size_t len = 1 + (size_t)random() % most;

		len = len < sent->len - arrived ? len : sent->len - arrived;
		len = len < room_len(room, n) ? len : room_len(room, n);
		fill(room, n, sent->data + arrived, len);
		arrived += len;
		stream_rx_received(&rx, &partial, len);
		assert_int_equal(handle_all(sent, &partial), -ENODATA);
	}
	assert_int_equal(sent->handled, sent->len);
	assert_null(partial.memory);
}

static void test_pieces(void **state)
{
	static const size_t most[] = { 1, 3, 20, 170, 1460, STREAM_CHUNK, 100000 };
	static const size_t lens[] = { 0, 1, 3, 4, 160, 161, 1200, 16000, 65535 };
	struct sent sent = { .data = malloc(DATA_MAX) };

	(void)state;
	assert_non_null(sent.data);
	srandom(1);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		put_channel_data(&sent, lens[i]);
		put_request(&sent, i * 4);
		put_channel_data(&sent, 160);
	}
	put_request(&sent, 65532);
	for (size_t i = 0; i < ARRAY_LEN(most); i++)
		receive(&sent, most[i]);
	free(sent.data);
}

static void test_garbage(void **state)
{
	uint8_t data[256];
	struct sent sent = { .data = data };
	struct stream_partial partial = { 0 };
	struct iovec room[2] = { 0 };

	(void)state;
	put_channel_data(&sent, 100);
	data[sent.len++] = 0xff;
	assert_int_equal(stream_rx_room(&rx, &partial, room), 1);
	fill(room, 1, data, sent.len);
	stream_rx_received(&rx, &partial, sent.len);
	assert_int_equal(handle_all(&sent, &partial), -EBADMSG);
	assert_int_equal(sent.handled, 104);
	stream_partial_free(&partial);
}

/* The caller knows what a message needs before anything is kept. */
static void test_needs(void **state)
{
	static const uint8_t start[] = { 0x40, 0, 0xff, 0xff, 1 };
	struct stream_partial partial = { 0 };
	struct turn_packet message;
	struct iovec room[2] = { 0 };
	size_t len = 0;

	(void)state;
	fill(room, stream_rx_room(&rx, &partial, room), start, sizeof(start));
	stream_rx_received(&rx, &partial, sizeof(start));
	assert_int_equal(stream_rx_next(&rx, &partial, &message, &len), -EAGAIN);
	assert_int_equal(len, 4 + 65536);
	assert_null(partial.memory);
	assert_int_equal(stream_rx_keep(&rx, &partial, len), -ENODATA);
	assert_int_equal(partial.len, sizeof(start));
	assert_int_equal(stream_rx_room(&rx, &partial, room), 2);
	assert_int_equal(room[0].iov_len, len - sizeof(start));
	stream_partial_free(&partial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

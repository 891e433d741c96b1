/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Streams that arrive in pieces: message boundaries do not depend on the pieces. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "turn/framing.h"

#define PIECES_MAX 64

static unsigned long long stun, channel_data, padded, waited, garbage;

/* Copies to the heap, so that AddressSanitizer finds overreads. */
static int frame_of(const uint8_t *data, size_t len, size_t *frame)
{
	uint8_t *exact = malloc(len ? len : 1);
	int err;

	if (!exact)
		abort();
	memcpy(exact, data, len);
	err = turn_frame(exact, len, frame);
	free(exact);
	return err;
}

/* The same by a simple implementation; 0: not a message. */
static size_t expected(const uint8_t *data, size_t len)
{
	size_t length;

	must(len >= 4, "a message has a header");
	length = (size_t)data[2] << 8 | data[3];
	if (data[0] >= 0x40 && data[0] <= 0x7f)
		return 4 + length + (4 - length % 4) % 4;
	if (data[0] > 3 || length % 4 || len < 20 || memcmp(data + 4, "\x21\x12\xa4\x42", 4) != 0)
		return 0;
	return 20 + length;
}

static void check_whole(const uint8_t *data, size_t frame, size_t len)
{
	size_t other;

	must(frame >= 4 && frame <= TURN_FRAME_MAX && frame <= len,
	     "a message is within the buffer");
	must(frame == expected(data, len), "a message has the length in its header");
	must(frame_of(data, frame, &other) == 0 && other == frame,
	     "bytes after a message do not matter");
	must(frame_of(data, frame - 1, &other) == -EAGAIN && other == frame,
	     "the end of a message does not matter");
	if (data[0] <= 3)
		stun++;
	else
		channel_data++;
	padded += data[0] > 3 && data[3] % 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t taken = 0, come = 0, next = 0, frame;
	int pieces, err;

	for (pieces = 0; pieces < PIECES_MAX && come < size; pieces++) {
		/* The last bytes also determine where the stream is cut. */
		come += 1 + data[size - 1 - (size_t)pieces % size] % 32u;
		if (come > size)
			come = size;
		while ((err = frame_of(data + taken, come - taken, &frame)) == 0) {
			must(come >= next,
			     "no message ends before the bytes that turn_frame() asked for");
			check_whole(data + taken, frame, come - taken);
			taken += frame;
			next = taken;
		}
		if (err == -EBADMSG) {
			garbage++;
			must(frame_of(data + taken, size - taken, &frame) == -EBADMSG,
			     "garbage stays garbage");
			return 0;
		}
		must(err == -EAGAIN && frame > come - taken && frame <= TURN_FRAME_MAX,
		     "turn_frame() asks for more bytes");
		must(taken + frame >= next, "turn_frame() never asks for fewer bytes than before");
		next = taken + frame;
		waited++;
	}
	return 0;
}

int fuzz_missed(void)
{
	return missed("messages of STUN", stun) + missed("ChannelData", channel_data) +
	       missed("with padding", padded) + missed("waits for more", waited) +
	       missed("garbage", garbage);
}

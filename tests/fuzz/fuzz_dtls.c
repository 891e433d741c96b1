/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* DTLS datagrams: OpenSSL must receive only records at which it does not end a session. */
#include <string.h>

#include "fuzz.h"
#include "net/dtls_record.h"

#define HEADER_LEN 13

static unsigned long long passed[DTLS_OPEN + 1], several, discarded, truncated, hellos;

/* States independently what OpenSSL 3.0 expects. */
static void check_record(const struct dtls_filter *filter, const uint8_t *data, size_t len)
{
	const uint8_t *body = data + HEADER_LEN;
	const size_t body_len = len - HEADER_LEN;

	must(len > HEADER_LEN && body_len == ((size_t)data[11] << 8 | data[12]),
	     "one complete record");
	must(data[1] == 0xfe && data[3] == 0, "DTLS, and epoch 0 or 1");
	switch (filter->stage) {
	case DTLS_HELLO:
		must(data[0] == 22 && data[4] == 0 && body[0] == 1, "ClientHello");
		break;
	case DTLS_KEY_EXCHANGE:
		must(data[0] == 22 && data[4] == 0 && body[0] == 16, "ClientKeyExchange");
		must(body_len > 12 && body[5] == 2, "neither empty nor buffered for later");
		break;
	case DTLS_CHANGE_CIPHER:
		must(data[0] == 20 && data[4] == 0, "ChangeCipherSpec");
		must(body_len == 1 && body[0] == 1, "a valid ChangeCipherSpec");
		break;
	case DTLS_FINISHED:
	case DTLS_OPEN:
		must(data[4] == 1 && data[2] == 0xfd, "protected");
		must(body_len >= filter->overhead, "long enough to be decrypted");
		must(body_len <= filter->overhead + 16384, "short enough for a plaintext");
		must(data[0] == 22 || filter->stage == DTLS_OPEN, "expected at this stage");
		must(data[0] != 22 || body_len == filter->overhead + 24, "only Finished");
		must(data[0] != 22 || (!memcmp(data + 5, "\0\0\0\0", 5) && data[10] < 8),
		     "not more than a handshake has");
		must(data[0] >= 21 && data[0] <= 23, "known type");
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct turn_packet rest, record, again;
	struct dtls_filter filter = { .overhead = 16 };
	uint64_t invalid = 0;
	uint8_t *copy;
	size_t found = 0;

	if (size == 0)
		return 0;
	filter.stage = data[0] % (DTLS_OPEN + 1);
	filter.overhead += data[0] & 0x80 ? 8 : 0;
	copy = malloc(size > 1 ? size - 1 : 1); /* so that ASan finds reads beyond its end */
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	rest = (struct turn_packet){ .data = copy, .len = size - 1 };
	if (dtls_client_random(&rest)) {
		hellos++;
		dtls_filter_begin(&filter, &rest);
	}
	while (dtls_filter_next(&filter, &rest, &record, &invalid)) {
		uint64_t none = 0;

		check_record(&filter, record.data, record.len);
		must(record.data + record.len == rest.data, "the rest begins after the record");
		again = record;
		must(dtls_filter_next(&filter, &again, &record, &none) && none == 0,
		     "other records do not matter");
		passed[filter.stage]++;
		found++;
	}
	must(rest.len == 0, "the datagram is consumed");
	must(found + invalid <= size / HEADER_LEN + 1, "no record is counted twice");
	several += found > 1 && invalid > 0;
	truncated += invalid > 0 && rest.data != copy + size - 1;
	discarded += invalid;
	free(copy);
	return 0;
}

int fuzz_missed(void)
{
	return missed("ClientHello", passed[DTLS_HELLO]) +
	       missed("ClientKeyExchange", passed[DTLS_KEY_EXCHANGE]) +
	       missed("ChangeCipherSpec", passed[DTLS_CHANGE_CIPHER]) +
	       missed("Finished", passed[DTLS_FINISHED]) +
	       missed("application data", passed[DTLS_OPEN]) +
	       missed("valid and invalid records together", several) +
	       missed("discarded", discarded) + missed("truncated", truncated) +
	       missed("datagrams with a ClientHello", hellos);
}

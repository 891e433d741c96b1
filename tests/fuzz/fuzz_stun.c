/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The STUN parser: everything that it accepts is within the datagram and consistent. */
#include <string.h>

#include "fuzz.h"
#include "stun/fingerprint.h"
#include "stun/integrity.h"
#include "stun/message.h"
#include "wire.h"

/* The first byte of an input: which parts of the message to repair, as chance would not. */
enum {
	MEND_HEADER = 1, /* cookie and length */
	MEND_INTEGRITY = 2,
	MEND_FINGERPRINT = 4,
	MEND_SHA256 = 8, /* MESSAGE-INTEGRITY-SHA256, after that of MEND_INTEGRITY */
};

#define TAIL (4 + STUN_INTEGRITY_LEN + 4 + STUN_INTEGRITY_LEN_MAX + 4 + STUN_FINGERPRINT_LEN)

static __u64 refused, parsed, attributes, addresses, authentic, authentic_sha256, fingerprints;

/* struct keys - for the two integrity attributes */
struct keys {
	struct stun_hmac *sha1;
	struct stun_hmac *sha256;
};

static size_t protect(__u8 *message, size_t len, struct stun_hmac *hmac)
{
	__u8 value[STUN_INTEGRITY_LEN_MAX];

	put_wire16(message + len, stun_hmac_attr(hmac));
	put_wire16(message + len + 2, (__u32)stun_hmac_len(hmac));
	must(!stun_hmac_message(hmac, message, len, value), "OpenSSL computes the HMAC");
	memcpy(message + len + 4, value, stun_hmac_len(hmac));
	return len + 4 + stun_hmac_len(hmac);
}

static size_t mend(__u8 *message, size_t len, __u8 how, const struct keys *keys)
{
	static const __u8 cookie[] = { 0x21, 0x12, 0xa4, 0x42 };
	__u32 crc;

	if (len < STUN_HEADER_LEN || len > 60000)
		return len;
	if (how & MEND_HEADER) {
		message[0] &= 0x3f;
		len -= len % 4;
		memcpy(message + 4, cookie, sizeof(cookie));
	}
	if (how & MEND_INTEGRITY)
		len = protect(message, len, keys->sha1);
	if (how & MEND_SHA256)
		len = protect(message, len, keys->sha256);
	if (how & MEND_FINGERPRINT) {
		put_wire16(message + 2, (__u32)(len + 8 - STUN_HEADER_LEN));
		put_wire16(message + len, STUN_ATTR_FINGERPRINT);
		put_wire16(message + len + 2, STUN_FINGERPRINT_LEN);
		crc = stun_fingerprint(message, len);
		put_wire16(message + len + 4, crc >> 16);
		put_wire16(message + len + 6, crc);
		len += 8;
	}
	if (how & MEND_HEADER)
		put_wire16(message + 2, (__u32)(len - STUN_HEADER_LEN));
	return len;
}

static void check_attributes(const struct stun_message *msg)
{
	const uint8_t *begin = msg->data + STUN_HEADER_LEN;
	const uint8_t *end = begin + msg->attrs_len;
	struct stun_attr attr = { 0 }, first;
	struct turnpike_addr addr;
	uint32_t number;

	while (stun_next_attr(msg, &attr)) {
		attributes++;
		must(attr.value >= begin + 4 && attr.value + attr.len <= end,
		     "attributes are within the message");
		must(!stun_find_attr(msg, (enum stun_attr_type)attr.type, &first) &&
			     first.type == attr.type && first.value <= attr.value,
		     "stun_find_attr() finds the first one");
		stun_attr_u32(&attr, &number);
		if (!stun_attr_addr(&attr, &addr) && !stun_attr_xor_addr(msg, &attr, &addr)) {
			must(addr.family == TURNPIKE_IPV4 || addr.family == TURNPIKE_IPV6,
			     "addresses have a family");
			addresses++;
		}
	}
}

static void check_unknown(const struct stun_message *msg)
{
	static const uint16_t known[] = { STUN_ATTR_USERNAME, STUN_ATTR_REALM };
	uint16_t unknown[3];
	size_t n = stun_unknown_attrs(msg, known, 2, unknown, 3);
	size_t i;

	must(n <= 3, "unknown types fit the buffer");
	for (i = 0; i < n; i++)
		must(unknown[i] < STUN_ATTR_OPTIONAL && unknown[i] != known[0] &&
			     unknown[i] != known[1],
		     "what must be understood, and is not");
}

static void check_integrity(const struct stun_message *msg, const struct keys *keys)
{
	bool sha1 = !stun_check_integrity(msg, keys->sha1);
	bool sha256 = !stun_check_integrity(msg, keys->sha256);

	must(!sha1 || msg->integrity, "a missing MESSAGE-INTEGRITY does not verify");
	must(!sha256 || msg->integrity_sha256,
	     "a missing MESSAGE-INTEGRITY-SHA256 does not verify");
	authentic += sha1;
	authentic_sha256 += sha256;
}

static void try_message(const uint8_t *message, size_t len, const struct keys *keys)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct stun_message msg;

	if (!exact)
		abort();
	memcpy(exact, message, len);
	if (stun_parse(exact, len, &msg)) {
		refused++;
	} else {
		parsed++;
		check_attributes(&msg);
		check_unknown(&msg);
		fingerprints += msg.fingerprint;
		check_integrity(&msg, keys);
	}
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys keys = { stun_hmac_new(STUN_INTEGRITY_SHA1, "key", 3),
			     stun_hmac_new(STUN_INTEGRITY_SHA256, "key", 3) };
	uint8_t *message = malloc(size + TAIL);

	if (!keys.sha1 || !keys.sha256 || !message)
		abort();
	if (size) {
		memcpy(message, data + 1, size - 1);
		try_message(message, mend(message, size - 1, data[0], &keys), &keys);
	}
	free(message);
	stun_hmac_free(keys.sha1);
	stun_hmac_free(keys.sha256);
	return 0;
}

int fuzz_missed(void)
{
	return missed("refused", refused) + missed("parsed", parsed) +
	       missed("attributes", attributes) + missed("addresses", addresses) +
	       missed("with a correct MESSAGE-INTEGRITY", authentic) +
	       missed("with a correct MESSAGE-INTEGRITY-SHA256", authentic_sha256) +
	       missed("with a correct FINGERPRINT", fingerprints);
}

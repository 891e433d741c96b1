/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file indication.h
 * Send and Data indications, byte by byte (RFC 8489 sections 5 and 14, RFC 8656 section 11). It
 * shares no code with the programs.
 */
#ifndef TURNPIKE_TESTS_FUZZ_INDICATION_H
#define TURNPIKE_TESTS_FUZZ_INDICATION_H

#include <stdbool.h>

#include <turnpike/abi.h>

#define STUN_HEADER      20
#define TRANSACTION      8 /* its offset in a message */
#define TRANSACTION_LEN  12
#define INDICATION_ATTRS 5 /* one more than is relayed */

/** struct indication - what an indication says; @data: its offset in the message */
struct indication {
	struct turnpike_addr peer;
	__u32 data;
	__u32 data_len;
};

/**
 * indication_read() - read an indication that is relayed or observed
 * @at, @len: the message, in the frame; it may go beyond the frame's end
 *
 * Return: false if it is for the server.
 */
bool indication_read(const __u8 *frame, __u32 frame_len, __u32 at, __u32 len,
		     struct indication *ret);

/** Kinds of attributes to make: the low 3 bits of a byte. */
enum attr {
	ATTR_NONE,
	ATTR_PEER,
	ATTR_DATA, /* the first one has what is left of the message */
	ATTR_FINGERPRINT,
	ATTR_OPTIONAL, /* the other bits are the number of its bytes, in steps of 5 */
	ATTR_REQUIRED,
	ATTRS,
};

/**
 * struct recipe - how to make an indication
 * @type:    TURNPIKE_SEND_INDICATION or TURNPIKE_DATA_INDICATION
 * @attrs:   its attributes, in order
 * @padding: of the data, 0 to 3
 */
struct recipe {
	__u16 type;
	struct turnpike_addr peer;
	__u8 attrs[INDICATION_ATTRS];
	__u8 padding;
};

/**
 * indication_make() - turn @len bytes into an indication
 *
 * The transaction ID, the values of attributes and padding stay as they are, but for the peer.
 * Return: the length of the message; 0: it has no attributes, or no room for them.
 */
__u32 indication_make(const struct recipe *recipe, __u8 *message, __u32 len,
		      struct indication *ret);

#endif /* TURNPIKE_TESTS_FUZZ_INDICATION_H */

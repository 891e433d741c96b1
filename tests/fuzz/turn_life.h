/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_life.h
 * The life of a TURN server, as fuzz_turn.c lives it, and its steps with application data.
 */
#ifndef TURNPIKE_FUZZ_TURN_LIFE_H
#define TURNPIKE_FUZZ_TURN_LIFE_H

#include "turn_fixture.h"
#include "turn_model.h"

/** struct input - the rest of the fuzzer's input */
struct input {
	const uint8_t *pos;
	size_t left;
};

/**
 * struct life - a server and everything that its steps need
 * @alices:    alice with each password algorithm
 * @alice_is_in: whether alice is in the current credentials with the password that she uses
 * @token:     the last reservation token that the server sent
 */
struct life {
	struct fixture *f;
	struct model model;
	struct turn_config config;
	struct addr_cidr denied;
	struct credentials alices[3];
	bool alice_is_in;
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	bool has_token;
};

/** take_byte() - the next byte of the input, 0 at its end */
uint8_t take_byte(struct input *in);

/** take_bytes() - as many bytes as the next byte says, and as are left; @ret points to them */
size_t take_bytes(struct input *in, const uint8_t **ret);

/** take_peer() - an address of one of a few peers */
const char *take_peer(struct input *in);

/* Steps: data in either direction, which must arrive as the model predicts. */
void data_of_peer(struct life *life, struct input *in);
void data_by_indication(struct life *life, struct input *in);
void data_by_channel(struct life *life, struct input *in);

/** data_missed() - as fuzz_missed(), for these steps */
int data_missed(void);

#endif /* TURNPIKE_FUZZ_TURN_LIFE_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a stranger's server sends to a client: answers and data are within the message. */
#include <errno.h>
#include <string.h>

#include "check/guess.h"
#include "check/message.h"
#include "fuzz.h"

static unsigned long long successes, errors, rejected, malformed, others, channels, indications,
	neither;

static void check_within(const struct check_data *data, const uint8_t *message, size_t len)
{
	must(data->bytes >= message + 4 && data->bytes + data->len <= message + len,
	     "data is within the message");
	if (data->channel) {
		must(data->channel >= TURN_CHANNEL_MIN && data->channel <= TURN_CHANNEL_MAX,
		     "a channel has a number of a channel");
		channels++;
	} else {
		must(data->peer.family == TURNPIKE_IPV4 || data->peer.family == TURNPIKE_IPV6,
		     "a peer has a family");
		indications++;
	}
}

static void check_answer(const struct check_answer *answer)
{
	must(answer->code == 0 || (answer->code >= 300 && answer->code < 700),
	     "error codes are in their range");
	must(memchr(answer->realm, '\0', sizeof(answer->realm)) != NULL, "the realm ends");
	must(memchr(answer->software, '\0', sizeof(answer->software)) != NULL, "the software ends");
	must(answer->nonce_len <= CHECK_NONCE_MAX, "the nonce has room");
	if (answer->code)
		errors++;
	else
		successes++;
}

/* The request of which it would be the answer, signed or not. */
static void try_answer(const struct stun_message *msg, struct stun_hmac *hmac)
{
	const struct check_request request = { .method = (enum stun_method)msg->method };
	struct check_answer answer;

	switch (check_answer_read(msg, &request, msg->transaction, hmac, &answer)) {
	case 0:
		must(!hmac || answer.code || msg->integrity, "a success is signed");
		check_answer(&answer);
		break;
	case -EKEYREJECTED:
		must(hmac != NULL, "without a key nothing is rejected");
		rejected++;
		break;
	case -EBADMSG:
		malformed++;
		break;
	default:
		others++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_hmac *hmac = stun_hmac_new(STUN_INTEGRITY_SHA1, "key", 3);
	uint8_t *exact = malloc(size ? size : 1); /* AddressSanitizer finds overreads */
	struct stun_message msg;
	struct check_data found;

	if (!hmac || !exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	check_guess(exact, size);
	if (check_data_read(exact, size, &found) == 0)
		check_within(&found, exact, size);
	else
		neither++;
	if (stun_parse(exact, size, &msg) == 0) {
		try_answer(&msg, NULL);
		try_answer(&msg, hmac);
	}
	free(exact);
	stun_hmac_free(hmac);
	return 0;
}

int fuzz_missed(void)
{
	return missed("successes", successes) + missed("errors", errors) +
	       missed("with a wrong signature", rejected) + missed("malformed", malformed) +
	       missed("that are no answers", others) + missed("ChannelData", channels) +
	       missed("Data indications", indications) + missed("neither", neither);
}

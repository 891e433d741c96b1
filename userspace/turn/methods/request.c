/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/state/event.h"
#include "turn/methods/request.h"
#include "turn/state/lookup.h"
#include "turn/state/user.h"

/** Room for the longest response: every text in it is bounded. */
#define RESPONSE_MAX 768
/** More unknown attributes than this are not named to the client. */
#define UNKNOWN_MAX 16

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/**
 * struct method - a request method
 * @is_open:          needs no credentials
 * @needs_allocation: of the same user
 */
struct method {
	enum stun_method method;
	turn_method_fn carry_out;
	bool is_open;
	bool needs_allocation;
};

static const struct method methods[] = {
	{ STUN_BINDING, turn_binding, true, false },
	{ TURN_ALLOCATE, turn_allocate, false, false },
	{ TURN_REFRESH, turn_refresh, false, false },
	{ TURN_CREATE_PERMISSION, turn_create_permission, false, true },
	{ TURN_CHANNEL_BIND, turn_channel_bind, false, true },
};

static const uint16_t known_attrs[] = {
	STUN_ATTR_MAPPED_ADDRESS,
	STUN_ATTR_USERNAME,
	STUN_ATTR_MESSAGE_INTEGRITY,
	STUN_ATTR_ERROR_CODE,
	STUN_ATTR_UNKNOWN_ATTRIBUTES,
	STUN_ATTR_CHANNEL_NUMBER,
	STUN_ATTR_LIFETIME,
	STUN_ATTR_XOR_PEER_ADDRESS,
	STUN_ATTR_DATA,
	STUN_ATTR_EVEN_PORT,
	STUN_ATTR_REALM,
	STUN_ATTR_NONCE,
	STUN_ATTR_XOR_RELAYED_ADDRESS,
	STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
	STUN_ATTR_REQUESTED_TRANSPORT,
	STUN_ATTR_DONT_FRAGMENT,
	STUN_ATTR_XOR_MAPPED_ADDRESS,
	STUN_ATTR_RESERVATION_TOKEN,
	STUN_ATTR_MESSAGE_INTEGRITY_SHA256,
	STUN_ATTR_PASSWORD_ALGORITHM,
	STUN_ATTR_USERHASH,
};

static const struct method *find_method(uint16_t method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (methods[i].method == method)
			return &methods[i];
	}
	return NULL;
}

size_t turn_unknown_attrs(const struct stun_message *msg, uint16_t *unknown, size_t max)
{
	return stun_unknown_attrs(msg, known_attrs, ARRAY_LEN(known_attrs), unknown, max);
}

int turn_check_allocation(const struct turn_request *request)
{
	if (!request->alloc)
		return TURN_ALLOCATION_MISMATCH;
	/* By the name: the password may have been changed meanwhile. */
	return strcmp(request->alloc->user->name, request->user->name) == 0
		       ? 0
		       : TURN_WRONG_CREDENTIALS;
}

static int process(struct turn_request *request, const struct method *method,
		   struct stun_writer *response)
{
	uint16_t unknown;
	int code = 0;

	if (!method->is_open)
		code = turn_authenticate(request);
	/* RFC 8489 section 6.3: only now, so that strangers do not learn what we know. */
	if (!code && turn_unknown_attrs(request->msg, &unknown, 1) > 0)
		code = STUN_UNKNOWN_ATTRIBUTE;
	if (!code && method->needs_allocation)
		code = turn_check_allocation(request);
	return code ? code : method->carry_out(request, response);
}

static void begin(const struct turn_request *request, enum stun_class class, uint8_t *buf,
		  struct stun_writer *response)
{
	const struct stun_message *msg = request->msg;

	stun_writer_begin(response, buf, RESPONSE_MAX, class, (enum stun_method)msg->method,
			  msg->transaction);
}

static void write_challenge(const struct turn_request *request, struct stun_writer *response)
{
	const struct turn_server *server = request->server;
	const struct turn_offer offer = turn_offer(server);
	char nonce[TURN_NONCE_LEN];
	const uint8_t *algorithms;
	size_t len = turn_password_algorithms(offer.sha256, &algorithms);

	turn_nonce_make(&server->nonces, &request->tuple->client, offer, request->now, nonce);
	stun_write_string(response, STUN_ATTR_REALM, server->realm);
	stun_write_bytes(response, STUN_ATTR_NONCE, nonce, sizeof(nonce));
	stun_write_bytes(response, STUN_ATTR_PASSWORD_ALGORITHMS, algorithms, len);
}

static void write_error(const struct turn_request *request, int code, struct stun_writer *response)
{
	uint16_t unknown[UNKNOWN_MAX];

	stun_write_error(response, (enum stun_error_code)code);
	if (code == STUN_UNAUTHENTICATED || code == STUN_STALE_NONCE)
		write_challenge(request, response);
	if (code == STUN_TRY_ALTERNATE)
		turn_write_alternates(request, response);
	if (code == STUN_UNKNOWN_ATTRIBUTE)
		stun_write_unknown(response, unknown,
				   turn_unknown_attrs(request->msg, unknown, UNKNOWN_MAX));
}

/** FINGERPRINT is optional (RFC 8656 section 5): a client that sends it gets it. */
static void end(const struct turn_request *request, struct stun_writer *response)
{
	struct turn_server *server = request->server;
	struct stun_hmac *hmac = NULL;
	size_t len;

	if (server->software)
		stun_write_string(response, STUN_ATTR_SOFTWARE, server->software);
	if (request->user) {
		hmac = turn_user_hmac(request->user, request->integrity);
		/* Without memory for it nothing can be said that would be believed. */
		if (!hmac)
			return;
		stun_write_integrity(response, hmac);
	}
	if (request->msg->fingerprint)
		stun_write_fingerprint(response);
	if (stun_writer_end(response, &len) == 0)
		server->ops.send_client(server->ctx, request->tuple, response->buf, len);
}

/**
 * Whether this is one answer too many for somebody who is no user, as far as we know. Who has an
 * allocation has been one; Binding requests keep the way to it open.
 */
static bool is_limited(const struct turn_request *request)
{
	struct turn_server *server = request->server;

	return !request->proved && !request->alloc &&
	       !turn_unauth_charge(server->shared->unauth_limit, &request->tuple->client,
				   server->limits.unauthenticated_rate, request->now);
}

static void count(struct turn_stats *stats, int code)
{
	stats->requests++;
	if (code == 0)
		stats->successes++;
	else
		stats->errors[code - TURN_ERROR_FIRST]++;
}

void turn_handle_request(struct turn_server *server, const struct turn_tuple *tuple,
			 const struct stun_message *msg, uint64_t now)
{
	const struct method *method = find_method(msg->method);
	struct turn_request request = {
		.server = server,
		.tuple = tuple,
		.msg = msg,
		.now = now,
		.alloc = turn_allocation_find(server, tuple),
	};
	uint8_t buf[RESPONSE_MAX];
	struct stun_writer response;
	int code;

	/* RFC 8489 section 6.3: a method that is not supported is no request to answer. */
	if (!method) {
		server->stats.malformed++;
		return;
	}
	begin(&request, STUN_SUCCESS, buf, &response);
	code = process(&request, method, &response);
	if (is_limited(&request)) {
		server->stats.requests++;
		server->stats.limited++;
		return;
	}
	if (!code && method->method == TURN_ALLOCATE)
		turn_unauth_refund(server->shared->unauth_limit, &tuple->client,
				   server->limits.unauthenticated_rate, now);
	if (code) {
		begin(&request, STUN_ERROR, buf, &response);
		write_error(&request, code, &response);
		turn_notify_refusal(&request, code);
	}
	count(&server->stats, code);
	end(&request, &response);
	turn_user_put(request.user);
}

int turn_binding(struct turn_request *request, struct stun_writer *response)
{
	stun_write_xor_addr(response, STUN_ATTR_XOR_MAPPED_ADDRESS, &request->tuple->client);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/methods/alternate.h"
#include "turn/methods/attrs.h"
#include "turn/methods/authenticate.h"
#include "turn/methods/checks.h"
#include "turn/methods/dispatch.h"
#include "turn/methods/methods.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/user.h"

/** Room for the longest response: the length of each text in it is limited. */
#define RESPONSE_MAX 768
/** Maximum number of attributes listed in UNKNOWN-ATTRIBUTES. */
#define UNKNOWN_MAX 16

/**
 * struct method - a request method
 * @execute:          its implementation
 * @is_open:          whether it needs no credentials
 * @needs_allocation: whether the user must have an allocation
 */
struct method {
	turn_method_fn execute;
	bool is_open;
	bool needs_allocation;
};

static const struct method methods[TURN_METHOD_MAX] = {
	[TURN_METHOD_BINDING] = { turn_binding, true, false },
	[TURN_METHOD_ALLOCATE] = { turn_allocate, false, false },
	[TURN_METHOD_REFRESH] = { turn_refresh, false, false },
	[TURN_METHOD_CREATE_PERMISSION] = { turn_create_permission, false, true },
	[TURN_METHOD_CHANNEL_BIND] = { turn_channel_bind, false, true },
};

static enum turn_reason process(struct turn_request *request, const struct method *method,
				struct stun_writer *response)
{
	enum turn_reason reason = TURN_REASON_NONE;
	uint16_t unknown;

	if (!method->is_open)
		reason = turn_authenticate(request);
	/* RFC 8489 section 6.3: after authentication, as it reveals what the server supports. */
	if (!reason && turn_unknown_attrs(request->msg, &unknown, 1) > 0)
		reason = TURN_REASON_UNKNOWN_ATTRIBUTE;
	if (!reason && method->needs_allocation)
		reason = turn_check_allocation(request);
	return reason ? reason : method->execute(request, response);
}

/**
 * A client without an allocation can go to another server (RFC 8489 section 10), which has the same
 * users, but not their reservations.
 */
static bool is_redirected(const struct turn_request *request, enum turn_method method,
			  enum turn_reason reason)
{
	return method == TURN_METHOD_ALLOCATE && reason != TURN_REASON_NO_RESERVATION &&
	       turn_reasons[reason].code == TURN_INSUFFICIENT_CAPACITY &&
	       turn_has_alternate(request);
}

static void begin(const struct turn_request *request, enum stun_class class, uint8_t *buf,
		  struct stun_writer *response)
{
	const struct stun_message *msg = request->msg;

	stun_writer_begin(response, buf, RESPONSE_MAX, class, (enum stun_method)msg->method,
			  msg->transaction);
}

static void write_error(const struct turn_request *request, int code, struct stun_writer *response)
{
	uint16_t unknown[UNKNOWN_MAX];

	stun_write_error(response, (enum stun_error_code)code);
	if (code == STUN_UNAUTHENTICATED || code == STUN_STALE_NONCE)
		turn_write_challenge(request, response);
	if (code == STUN_TRY_ALTERNATE)
		turn_write_alternates(request, response);
	if (code == STUN_UNKNOWN_ATTRIBUTE)
		stun_write_unknown(response, unknown,
				   turn_unknown_attrs(request->msg, unknown, UNKNOWN_MAX));
}

/** FINGERPRINT is optional (RFC 8656 section 5): present if the client sent it. */
static void end(const struct turn_request *request, struct stun_writer *response)
{
	struct turn_server *server = request->server;
	struct stun_hmac *hmac = NULL;
	size_t len;

	if (server->software)
		stun_write_string(response, STUN_ATTR_SOFTWARE, server->software);
	if (request->user) {
		hmac = turn_user_hmac(request->user, request->integrity);
		/* Out of memory: the client would discard an unprotected response. */
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
 * Returns the limit that forbids an answer, or 0. A key alone does not help, since a request with a
 * stale nonce may be a copy of one that somebody else sent. A client with an allocation has
 * authenticated before; its Binding requests are keepalives.
 */
static enum turn_reason find_limit(const struct turn_request *request, const struct method *method,
				   enum turn_reason reason)
{
	struct turn_server *server = request->server;

	if (request->user || (method->is_open && request->alloc))
		return TURN_REASON_NONE;
	if (reason == TURN_REASON_GUESS_RATE)
		return reason;
	return turn_unauth_charge(server->shared->unauth_limit, &request->tuple->client,
				  server->limits.unauthenticated_rate, request->now)
		       ? TURN_REASON_NONE
		       : TURN_REASON_UNAUTHENTICATED_RATE;
}

/** Copies USERNAME, unverified, to @name, which has room for the longest valid one and a NUL. */
static void copy_claimed_name(const struct stun_message *msg, char *name)
{
	struct stun_attr attr;
	size_t len = 0;

	if (stun_find_attr(msg, STUN_ATTR_USERNAME, &attr) == 0)
		len = attr.len < STUN_USERNAME_MAX ? attr.len : STUN_USERNAME_MAX;
	if (len > 0)
		memcpy(name, attr.value, len);
	name[len] = '\0';
}

static void notify_refusal(const struct turn_request *request, enum turn_method method, int code,
			   enum turn_reason reason)
{
	const struct turn_server *server = request->server;
	char claimed[STUN_USERNAME_MAX + 1];
	struct turn_event event = {
		.kind = TURN_EVENT_REFUSED,
		.tuple = request->tuple,
		.username = request->user ? request->user->name : claimed,
		.method = method,
		.code = code,
		.reason = reason,
	};

	copy_claimed_name(request->msg, claimed);
	server->ops.event(server->ctx, &event);
}

static void refuse(const struct turn_request *request, enum turn_method method,
		   enum turn_reason reason, struct stun_writer *response)
{
	struct turn_stats *stats = &request->server->stats;
	const bool redirected = is_redirected(request, method, reason);
	const int code = redirected ? STUN_TRY_ALTERNATE : turn_reasons[reason].code;

	(*(redirected ? &stats->redirected[reason] : &stats->requests[method][reason]))++;
	begin(request, STUN_ERROR, response->buf, response);
	write_error(request, code, response);
	notify_refusal(request, method, code, reason);
}

static void confirm(const struct turn_request *request, enum turn_method method)
{
	struct turn_server *server = request->server;

	server->stats.requests[method][TURN_REASON_NONE]++;
	if (method == TURN_METHOD_ALLOCATE)
		turn_unauth_refund(server->shared->unauth_limit, &request->tuple->client,
				   server->limits.unauthenticated_rate, request->now);
}

static void execute(struct turn_request *request, enum turn_method method)
{
	uint8_t buf[RESPONSE_MAX];
	struct stun_writer response;
	enum turn_reason reason, limit;

	begin(request, STUN_SUCCESS, buf, &response);
	reason = process(request, &methods[method], &response);
	limit = find_limit(request, &methods[method], reason);
	if (limit) {
		request->server->stats.requests[method][limit]++;
		return;
	}
	if (reason)
		refuse(request, method, reason, &response);
	else
		confirm(request, method);
	end(request, &response);
	turn_user_put(request->user);
}

void turn_dispatch_request(struct turn_server *server, const struct turn_tuple *tuple,
			   const struct stun_message *msg, uint64_t now)
{
	const enum turn_method method = turn_method_find(msg->method);
	struct turn_request request = {
		.server = server,
		.tuple = tuple,
		.msg = msg,
		.now = now,
		.alloc = turn_allocation_find(server, tuple),
	};

	/* RFC 8489 section 6.3: unknown methods are discarded silently. */
	if (method == TURN_METHOD_MAX)
		turn_drop_message(server, tuple, TURN_REASON_MALFORMED);
	else
		execute(&request, method);
}

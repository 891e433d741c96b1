/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "turn/auth/credentials.h"
#include "turn/methods/authenticate.h"
#include "turn/state/user.h"

/** Encoded length of an algorithm without parameters (RFC 8489 section 14.11). */
#define ALGORITHM_LEN 4

static struct turn_offer make_offer(const struct turn_server *server)
{
	if (!server->credentials)
		return (struct turn_offer){ true, true };
	return (struct turn_offer){
		.sha256 = turn_credentials_prefer_sha256(server->credentials),
		.userhash = turn_credentials_prefer_userhash(server->credentials),
	};
}

/** Stores the value of PASSWORD-ALGORITHMS in @list and returns its length in bytes. */
static size_t password_algorithms(bool sha256, const uint8_t **list)
{
	/* In order of preference. */
	static const uint8_t all[2 * ALGORITHM_LEN] = { 0, STUN_PASSWORD_SHA256, 0, 0,
							0, STUN_PASSWORD_MD5,    0, 0 };

	*list = sha256 ? all : all + ALGORITHM_LEN;
	return sha256 ? 2 * ALGORITHM_LEN : ALGORITHM_LEN;
}

static enum turn_reason check_choice(const struct stun_attr *choice, const uint8_t *list,
				     size_t len, enum stun_password_algorithm *algorithm)
{
	for (size_t i = 0; i < len; i += ALGORITHM_LEN) {
		if (choice->len != ALGORITHM_LEN ||
		    memcmp(choice->value, list + i, ALGORITHM_LEN) != 0)
			continue;
		*algorithm = (enum stun_password_algorithm)list[i + 1];
		return TURN_REASON_NONE;
	}
	return TURN_REASON_BAD_ALGORITHM;
}

/**
 * The third check: the algorithms that @nonce says were offered have not been stripped in transit
 * (bid-down attack). A client of RFC 5389 sends neither attribute.
 */
static enum turn_reason find_algorithm(const struct stun_message *msg,
				       const struct stun_attr *nonce,
				       enum stun_password_algorithm *algorithm)
{
	struct stun_attr choice, offered;
	const uint8_t *list;
	bool sha256;
	size_t len;
	bool has_choice = stun_find_attr(msg, STUN_ATTR_PASSWORD_ALGORITHM, &choice) == 0;
	bool has_offered = stun_find_attr(msg, STUN_ATTR_PASSWORD_ALGORITHMS, &offered) == 0;

	*algorithm = STUN_PASSWORD_MD5;
	if (!turn_nonce_has_algorithms(nonce->value, nonce->len, &sha256) ||
	    (!has_choice && !has_offered))
		return TURN_REASON_NONE;
	len = password_algorithms(sha256, &list);
	if (!has_choice || !has_offered || offered.len != len ||
	    memcmp(offered.value, list, len) != 0)
		return TURN_REASON_BAD_ALGORITHM;
	return check_choice(&choice, list, len, algorithm);
}

/** Returns the username with this USERHASH, in the current credentials or of the allocation. */
static const char *find_hash(const struct turn_request *request, const struct stun_attr *userhash)
{
	const struct turn_server *server = request->server;
	uint8_t hash[STUN_USERHASH_LEN];
	const char *name = NULL;

	if (userhash->len != STUN_USERHASH_LEN)
		return NULL;
	if (server->credentials)
		name = turn_credentials_find_hash(server->credentials, userhash->value);
	if (name || !request->alloc)
		return name;
	name = request->alloc->user->name;
	if (stun_userhash(name, server->realm, hash) ||
	    memcmp(hash, userhash->value, sizeof(hash)) != 0)
		return NULL;
	return name;
}

/**
 * The rest of the second check, which has the error code of the third, so that their order does not
 * matter; and the fourth as far as it needs no key: a username that can exist.
 */
static enum turn_reason find_username(const struct turn_request *request,
				      char username[static STUN_USERNAME_MAX + 1])
{
	struct stun_attr attr;
	const char *name;

	if (stun_find_attr(request->msg, STUN_ATTR_USERNAME, &attr) == 0) {
		if (attr.len > STUN_USERNAME_MAX || memchr(attr.value, '\0', attr.len))
			return TURN_REASON_UNKNOWN_USER;
		memcpy(username, attr.value, attr.len);
		username[attr.len] = '\0';
		return TURN_REASON_NONE;
	}
	if (stun_find_attr(request->msg, STUN_ATTR_USERHASH, &attr))
		return TURN_REASON_NO_USERNAME;
	name = find_hash(request, &attr);
	if (!name)
		return TURN_REASON_UNKNOWN_USER;
	strcpy(username, name);
	return TURN_REASON_NONE;
}

static enum turn_reason read_claim(const struct turn_request *request, struct turn_claim *claim,
				   struct stun_attr *nonce)
{
	const struct stun_message *msg = request->msg;
	struct stun_attr realm;
	enum turn_reason reason;

	if (!msg->integrity && !msg->integrity_sha256)
		return TURN_REASON_NO_CREDENTIALS;
	/* The value of REALM needs no check: a key of another realm does not match. */
	if (stun_find_attr(msg, STUN_ATTR_REALM, &realm))
		return TURN_REASON_NO_REALM;
	if (stun_find_attr(msg, STUN_ATTR_NONCE, nonce))
		return TURN_REASON_NO_NONCE;
	reason = find_algorithm(msg, nonce, &claim->algorithm);
	return reason ? reason : find_username(request, claim->username);
}

/**
 * RFC 8489 section 9.2.4: clients of RFC 5389, which send no PASSWORD-ALGORITHM, get
 * MESSAGE-INTEGRITY, whichever attribute the request has.
 */
static enum stun_integrity response_integrity(const struct stun_message *msg)
{
	struct stun_attr attr;

	return stun_find_attr(msg, STUN_ATTR_PASSWORD_ALGORITHM, &attr) ? STUN_INTEGRITY_SHA1
									: STUN_INTEGRITY_SHA256;
}

/**
 * The fourth and the fifth check, charged before they are made: wrong credentials must cost the
 * guesser more than the server.
 */
static enum turn_reason check_integrity(struct turn_request *request,
					const struct turn_claim *claim)
{
	struct turn_server *server = request->server;
	struct turn_guess guess = {
		.source = request->tuple->client,
		.account = turn_user_account(server, claim->username),
		.rate = server->limits.guess_rate,
		.now = request->now,
	};
	int err;

	if (!turn_guess_charge(server->shared->unauth_limit, &guess))
		return TURN_REASON_GUESS_RATE;
	err = turn_user_authenticate(server, request->alloc, claim, request->msg, &request->user);
	if (err)
		return err == -EACCES ? turn_user_why_denied(server, claim->username)
				      : TURN_REASON_INTERNAL;
	turn_guess_refund(server->shared->unauth_limit, &guess);
	return TURN_REASON_NONE;
}

/**
 * RFC 8489 section 9.2.4 checks the nonce last. A nonce that was not made for this client is
 * refused before: whoever spoofs an address, or has not asked for a nonce, learns nothing of
 * passwords and uses up nobody's guesses. Only a stale nonce remains for the end.
 */
enum turn_reason turn_authenticate(struct turn_request *request)
{
	struct turn_server *server = request->server;
	const struct turnpike_addr *client = &request->tuple->client;
	enum turn_nonce_state state;
	struct turn_claim claim;
	struct stun_attr nonce;
	enum turn_reason reason = read_claim(request, &claim, &nonce);

	if (reason)
		return reason;
	state = turn_nonce_check(&server->nonces, client, request->now, nonce.value, nonce.len);
	if (state == TURN_NONCE_FOREIGN)
		return TURN_REASON_FOREIGN_NONCE;
	turn_unauth_prove(server->shared->unauth_limit, client, server->limits.unauthenticated_rate,
			  request->now);
	reason = check_integrity(request, &claim);
	if (reason)
		return reason;
	if (state == TURN_NONCE_STALE) {
		turn_user_put(request->user);
		request->user = NULL;
		return TURN_REASON_STALE_NONCE;
	}
	request->integrity = response_integrity(request->msg);
	return TURN_REASON_NONE;
}

void turn_write_challenge(const struct turn_request *request, struct stun_writer *response)
{
	const struct turn_server *server = request->server;
	const struct turn_offer offer = make_offer(server);
	char nonce[TURN_NONCE_LEN];
	const uint8_t *algorithms;
	size_t len = password_algorithms(offer.sha256, &algorithms);

	turn_nonce_make(&server->nonces, &request->tuple->client, offer, request->now, nonce);
	stun_write_string(response, STUN_ATTR_REALM, server->realm);
	stun_write_bytes(response, STUN_ATTR_NONCE, nonce, sizeof(nonce));
	stun_write_bytes(response, STUN_ATTR_PASSWORD_ALGORITHMS, algorithms, len);
}

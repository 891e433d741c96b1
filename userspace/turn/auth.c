/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "turn/request.h"
#include "turn/table.h"

int turn_authenticate(struct turn_request *request)
{
	struct turn_server *server = request->server;
	const struct stun_message *msg = request->msg;
	struct stun_attr username, realm, nonce;
	struct turn_user *user;
	int err;

	if (msg->integrity == 0)
		return STUN_UNAUTHENTICATED;
	if (stun_find_attr(msg, STUN_ATTR_USERNAME, &username) ||
	    stun_find_attr(msg, STUN_ATTR_REALM, &realm) ||
	    stun_find_attr(msg, STUN_ATTR_NONCE, &nonce))
		return STUN_BAD_REQUEST;
	user = turn_user_find(server, username.value, username.len);
	if (!user)
		return STUN_UNAUTHENTICATED;
	/* The value of REALM needs no check: the key of another realm does not fit. */
	err = stun_check_integrity(msg, user->hmac);
	if (err)
		return err == -EIO ? STUN_SERVER_ERROR : STUN_UNAUTHENTICATED;
	if (!turn_nonce_is_valid(&server->nonces, &request->tuple->client, request->now,
				 nonce.value, nonce.len))
		return STUN_STALE_NONCE;
	request->user = user;
	return 0;
}

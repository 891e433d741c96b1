/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file request.h
 * One request on its way through the server, and the methods that answer it.
 */
#ifndef TURNPIKE_TURN_METHODS_REQUEST_H
#define TURNPIKE_TURN_METHODS_REQUEST_H

#include "stun/message.h"
#include "stun/writer.h"
#include "turn/state/server.h"

/**
 * struct turn_request - what is known about a request so far
 * @server: the server
 * @tuple:  the client's 5-tuple
 * @msg:    the request
 * @now:    the time in ns
 * @user:   who sent it, once that is proved and the nonce is fresh; a reference
 * @proved: that is proved, whatever the nonce
 * @integrity: what responses to @user are protected by
 * @alloc:  the allocation of @tuple, or NULL
 */
struct turn_request {
	struct turn_server *server;
	const struct turn_tuple *tuple;
	const struct stun_message *msg;
	uint64_t now;
	struct turn_user *user;
	bool proved;
	enum stun_integrity integrity;
	struct turn_allocation *alloc;
};

/**
 * turn_method_fn - carry out a request and write the attributes of its success response
 *
 * Return: 0, or the code of enum stun_error_code for an error response; then nothing has changed.
 */
typedef int (*turn_method_fn)(struct turn_request *request, struct stun_writer *response);

/** turn_handle_request() - answer a request, or not if there is no such method */
void turn_handle_request(struct turn_server *server, const struct turn_tuple *tuple,
			 const struct stun_message *msg, uint64_t now);

/** turn_unknown_attrs() - as stun_unknown_attrs(), for what this server understands */
size_t turn_unknown_attrs(const struct stun_message *msg, uint16_t *unknown, size_t max);

/**
 * turn_authenticate() - the checks of RFC 8489 section 9.2.4, in their order; sets @request->user,
 * @request->proved and @request->integrity
 *
 * Return: 0, or the code for an error response.
 */
int turn_authenticate(struct turn_request *request);

/** turn_offer() - what challenges offer, by the credentials in force */
struct turn_offer turn_offer(const struct turn_server *server);

/**
 * turn_password_algorithms() - the value of PASSWORD-ALGORITHMS
 * @sha256: as in struct turn_offer
 * @list:   lent
 *
 * Return: its length in bytes.
 */
size_t turn_password_algorithms(bool sha256, const uint8_t **list);

/** turn_alternates_set() - copy the servers that clients may be sent to; 0 or -ENOMEM */
int turn_alternates_set(struct turn_server *server, const struct turnpike_addr *alternates,
			size_t n);

/**
 * turn_refuse_full() - the code for an authenticated request that this server has no room for
 *
 * Return: 300, for which turn_write_alternates() then writes ALTERNATE-SERVER; or 508 if there is
 * no server for the client's family.
 */
int turn_refuse_full(const struct turn_request *request);

/**
 * turn_write_alternates() - write ALTERNATE-SERVER, once a family
 *
 * There is no ALTERNATE-DOMAIN (RFC 8489 section 10): the other servers have to have certificates
 * for the same name.
 */
void turn_write_alternates(const struct turn_request *request, struct stun_writer *response);

/**
 * turn_find_family() - read REQUESTED-ADDRESS-FAMILY or ADDITIONAL-ADDRESS-FAMILY
 * @family: as it stands there
 *
 * Return: 0, 400, or -ENOENT.
 */
int turn_find_family(const struct stun_message *msg, enum stun_attr_type type, uint32_t *family);

/** turn_family_of() - the enum turnpike_family of a family in an attribute, or 0: there is none */
unsigned int turn_family_of(uint32_t family);

/**
 * turn_find_lifetime() - the seconds to live that LIFETIME leads to (RFC 8656 sections 7.2, 8.2)
 * @lifetime: the result, never 0
 * @is_zero:  LIFETIME is present and 0
 *
 * Return: 0 or 400.
 */
int turn_find_lifetime(const struct turn_request *request, uint32_t *lifetime, bool *is_zero);

/**
 * turn_check_peer() - is this a peer that the client may use?
 *
 * Return: 0, 443 or 403.
 */
int turn_check_peer(const struct turn_request *request, const struct turnpike_addr *peer);

/**
 * turn_check_allocation() - is there an allocation, and is it the user's? (RFC 8656 section 5)
 *
 * Return: 0, 437 or 441.
 */
int turn_check_allocation(const struct turn_request *request);

/** The methods, each as turn_method_fn. The last two need turn_check_allocation() first. */
int turn_binding(struct turn_request *request, struct stun_writer *response);
int turn_allocate(struct turn_request *request, struct stun_writer *response);
int turn_refresh(struct turn_request *request, struct stun_writer *response);
int turn_create_permission(struct turn_request *request, struct stun_writer *response);
int turn_channel_bind(struct turn_request *request, struct stun_writer *response);

#endif /* TURNPIKE_TURN_METHODS_REQUEST_H */

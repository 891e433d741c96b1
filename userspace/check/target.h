/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file target.h
 * One address of the server by one transport, and the steps of its check.
 */
#ifndef TURNPIKE_CHECK_TARGET_H
#define TURNPIKE_CHECK_TARGET_H

#include "check/certificate.h"
#include "check/check.h"
#include "check/credentials.h"
#include "check/session.h"

#define CHECK_SERVER_MAX 96

/** The channel by which either client reaches the other. */
#define CHECK_CHANNEL TURN_CHANNEL_MIN

/**
 * struct check_target - the state of a check
 * @server:       its address
 * @name:         transport and address, for rows
 * @credentials:  both clients use them
 * @is_optional:  that nothing answers is a warning only
 * @first, @second: two clients, which exchange data
 */
struct check_target {
	const struct check_options *options;
	json_t *report;
	enum turn_transport transport;
	struct turnpike_addr server;
	char name[CHECK_SERVER_MAX];
	struct check_credentials credentials;
	bool is_optional;
	struct check_session first;
	struct check_session second;
};

/**
 * check_step - do a step, and add rows to the report
 * @row: of this step
 *
 * Return: whether the steps after it make sense.
 */
typedef bool check_step(struct check_target *target, const struct check_row *row);

/* steps_server.c: whether there is a server */
check_step check_step_connect;
check_step check_step_handshake;
check_step check_step_binding;

/* steps_allocation.c: whether it serves this user */
check_step check_step_challenge;
check_step check_step_allocate;
check_step check_step_relayed;
check_step check_step_second;
check_step check_step_permission;
check_step check_step_refresh;

/* steps_data.c: whether it relays */
check_step check_step_reach;
check_step check_step_indications;
check_step check_step_bind;
check_step check_step_channels;

/** check_target_open() - connect a client; Return: 0 or a negative errno of the transport. */
int check_target_open(const struct check_target *target, struct check_session *session,
		      struct check_certificate *certificate);

/** check_target_allocate() - ask for a relayed address, without and then with credentials */
int check_target_allocate(struct check_target *target, struct check_session *session,
			  unsigned int family, struct check_answer *answer);

/** check_refused() - add a row for an error code; Return: false. */
bool check_refused(struct check_target *target, const struct check_row *row,
		   enum stun_method method, const struct check_answer *answer);

/** check_silent() - add a row for a negative errno of the transport; Return: false. */
bool check_silent(struct check_target *target, const struct check_row *row, int err);

/**
 * check_outcome() - add a row if a request has failed
 *
 * Return: whether it has succeeded.
 */
bool check_outcome(struct check_target *target, const struct check_row *row,
		   enum stun_method method, int err, const struct check_answer *answer);

#endif /* TURNPIKE_CHECK_TARGET_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file check.h
 * Checks any TURN server from the client's side.
 */
#ifndef TURNPIKE_CHECK_CHECK_H
#define TURNPIKE_CHECK_CHECK_H

#include "check/report.h"
#include "check/uri.h"

/**
 * struct check_options - what to check, and how
 * @family:    enum turnpike_family of the server's addresses to check; 0: both
 * @user:      with @secret, the part behind the colon. NULL: no credentials
 * @password:  of @user; or NULL
 * @secret:    that of time-limited credentials (TURN REST API); or NULL
 * @realm:     expected; NULL: any
 * @timeout:   seconds to wait for each answer
 * @warn_rtt:  milliseconds of the round trip through the relay from which on a warning is due
 * @crit_loss: percentage of lost packets from which on the status is critical; any loss is a
 *             warning
 *
 * @user, @password and @secret are prepared by stun_opaque_string().
 */
struct check_options {
	struct check_uri uri;
	const char *uri_text;
	unsigned int family;
	char *user;
	char *password;
	char *secret;
	char *realm;
	uint32_t timeout;
	uint32_t warn_rtt;
	uint32_t crit_loss;
};

/**
 * check_run() - make all checks, of one address and transport after the other
 * @report: an array; see check_report_add()
 *
 * Return: 0 or -ENOMEM.
 */
int check_run(const struct check_options *options, json_t *report);

#endif /* TURNPIKE_CHECK_CHECK_H */

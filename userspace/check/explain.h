/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file explain.h
 * Explains errors to the operator of a TURN server, with a remedy for each. Pure functions.
 */
#ifndef TURNPIKE_CHECK_EXPLAIN_H
#define TURNPIKE_CHECK_EXPLAIN_H

#include <stdbool.h>

#include <turnpike/addr.h>

#include "check/certificate.h"
#include "check/echo.h"
#include "check/report.h"
#include "stun/protocol.h"
#include "turn/types.h"

/** check_explain_code() - explain an error code in the answer to a request */
struct check_finding check_explain_code(enum stun_method method, unsigned int code);

/** check_explain_silence() - explain why there is no connection, handshake or answer; @err: errno
 */
struct check_finding check_explain_silence(enum turn_transport transport, unsigned int family,
					   int err);

/** check_explain_fault() - explain an X509_V_ERR; @n_sent: certificates that the server has sent */
struct check_finding check_explain_fault(int fault, int n_sent);

/**
 * check_explain_relayed() - judge a relayed address
 * @server: the address that the client has reached
 *
 * Return: what is wrong with it, or {}.
 */
struct check_finding check_explain_relayed(const struct turnpike_addr *relayed,
					   const struct turnpike_addr *server);

/** check_explain_unreachable() - explain that no datagram of a peer arrives at @relayed */
struct check_finding check_explain_unreachable(const struct turnpike_addr *relayed,
					       const struct turnpike_addr *server);

/**
 * check_explain_echo() - judge lost packets and the round trip
 * @warn_rtt, @crit_loss: see struct check_options
 * @remedy: the result; NULL if nothing is wrong
 */
enum check_status check_explain_echo(const struct check_echo *echo, uint32_t warn_rtt,
				     uint32_t crit_loss, const char **remedy);

#endif /* TURNPIKE_CHECK_EXPLAIN_H */

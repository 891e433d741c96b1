/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file echo.h
 * Packets from one client through the relays of both to the other one, and back.
 */
#ifndef TURNPIKE_CHECK_ECHO_H
#define TURNPIKE_CHECK_ECHO_H

#include "check/session.h"

/** Packets of a run: as many as half a second of audio has. */
#define CHECK_ECHO_PACKETS 50

/**
 * struct check_echo - the result
 * @sent:     number of packets
 * @received: of them, those that came back, each counted once and compared byte by byte
 * @rtt_ms:   the median; 0 if none came back
 */
struct check_echo {
	unsigned int sent;
	unsigned int received;
	double rtt_ms;
};

/**
 * check_echo_run() - send packets from @from to @to, which sends them back
 * @channel: that of both clients; 0: by indications
 *
 * Return: 0, or a negative errno of the transport.
 */
int check_echo_run(struct check_session *from, struct check_session *to, uint16_t channel,
		   struct check_echo *echo);

#endif /* TURNPIKE_CHECK_ECHO_H */

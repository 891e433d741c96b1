/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/state/server.h"

void turn_server_expire(struct turn_server *server, uint64_t now)
{
	struct turn_timer *timer = turn_timers_first(&server->timers);

	while (timer && timer->when <= now && timer->when != TURN_NEVER) {
		timer->fire(server, timer, now);
		timer = turn_timers_first(&server->timers);
	}
	turn_reservations_expire(&server->shared->reservations, now);
	turn_rests_end(&server->shared->rests, now);
}

uint64_t turn_server_next_expiry(const struct turn_server *server)
{
	const struct turn_timer *timer = turn_timers_first(&server->timers);
	uint64_t reservation = turn_reservations_next_expiry(&server->shared->reservations);

	return timer && timer->when < reservation ? timer->when : reservation;
}

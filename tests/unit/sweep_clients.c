/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sweep_clients.h"

#include <stdio.h>

#include "turn_fixture.h"

#define FIRST_PORT    40000
#define FIRST_CHANNEL 0x4000

static struct fixture *workers[WORKERS];

static void bind_channels(struct fixture *f)
{
	char peer[32];

	for (uint16_t i = 0; i < CHANNELS; i++) {
		snprintf(peer, sizeof(peer), "198.51.100.1:%u", 1000u + i);
		channel_bind(f, (uint16_t)(FIRST_CHANNEL + i), peer);
	}
}

void clients_open(void)
{
	for (size_t i = 0; i < WORKERS; i++) {
		workers[i] = fixture_default();
		for (unsigned int j = 0; j < SESSIONS; j++) {
			from_port(workers[i], (uint16_t)(FIRST_PORT + j));
			allocate(workers[i]);
			bind_channels(workers[i]);
		}
	}
}

void clients_close(void)
{
	for (size_t i = 0; i < WORKERS; i++)
		fixture_free(workers[i]);
}

struct turn_server *clients_server(size_t worker)
{
	return workers[worker]->server;
}

size_t clients_allocations(void)
{
	return stats(workers[0])->allocations + stats(workers[1])->allocations;
}

size_t clients_flows(void)
{
	return workers[0]->n_flows + workers[1]->n_flows;
}

void clients_release(size_t worker, unsigned int session)
{
	from_port(workers[worker], (uint16_t)(FIRST_PORT + session));
	refresh(workers[worker], 0);
}

void clients_clear(size_t worker)
{
	clear(workers[worker]);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The allocations of alice in the servers of two workers, each with channels. */
#ifndef TURNPIKE_TESTS_SWEEP_CLIENTS_H
#define TURNPIKE_TESTS_SWEEP_CLIENTS_H

#include <stddef.h>

#include "turn/turn.h"

#define WORKERS  2
#define SESSIONS 3  /* of each worker: the quota of a user */
#define CHANNELS 70 /* of each allocation, more than a batch has objects */

void clients_open(void);
void clients_close(void);
struct turn_server *clients_server(size_t worker);
/* Of all workers. */
size_t clients_allocations(void);
size_t clients_flows(void);
/* The client itself ends its allocation. */
void clients_release(size_t worker, unsigned int session);
/* Forgets what the owner of a worker's server has recorded. */
void clients_clear(size_t worker);

#endif /* TURNPIKE_TESTS_SWEEP_CLIENTS_H */

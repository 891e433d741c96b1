/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/event_budget.h"

#include <string.h>

#include "base/random.h"
#include "base/siphash.h"

static uint8_t key[SIPHASH_KEY_LEN];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
	random_fill(key, sizeof(key));
}

static unsigned int *bucket_of(struct event_budget *budget, const struct turnpike_addr *client)
{
	const struct turnpike_addr source = addr_source(client);

	pthread_once(&once, make_key);
	return &budget->logged[siphash(key, &source, sizeof(source)) % EVENT_BUDGET_BUCKETS];
}

bool event_budget_take(struct event_budget *budget, const struct turnpike_addr *client,
		       unsigned int max)
{
	unsigned int *logged = bucket_of(budget, client);
	bool may;

	pthread_mutex_lock(&budget->lock);
	may = *logged < max;
	if (may)
		(*logged)++;
	else
		budget->suppressed++;
	pthread_mutex_unlock(&budget->lock);
	return may;
}

uint64_t event_budget_renew(struct event_budget *budget)
{
	uint64_t suppressed;

	pthread_mutex_lock(&budget->lock);
	suppressed = budget->suppressed;
	budget->suppressed = 0;
	memset(budget->logged, 0, sizeof(budget->logged));
	pthread_mutex_unlock(&budget->lock);
	return suppressed;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/cpus.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static cpu_set_t allowed;

static void read_allowed(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
}

/* Read once: a reload comes to the main thread, which may have been pinned since. */
static const cpu_set_t *allowed_cpus(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_allowed);
	return &allowed;
}

uint32_t cpus_usable(void)
{
	const int n = CPU_COUNT(allowed_cpus());

	return n > 0 ? (uint32_t)n : 1;
}

/* N or LO-HI */
static int parse_range(char *text, uint32_t *lo, uint32_t *hi)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash = '\0';
	if (cli_number(text, 0, CPU_SETSIZE - 1, lo))
		return -EINVAL;
	*hi = *lo;
	return dash ? cli_number(dash + 1, *lo, CPU_SETSIZE - 1, hi) : 0;
}

static int add_range(struct serve_config *config, char *text)
{
	uint32_t lo, hi;
	int err = parse_range(text, &lo, &hi);

	for (uint32_t cpu = lo; !err && cpu <= hi; cpu++)
		err = SERVE_CONFIG_APPEND(config, worker_cpus, &cpu);
	return err;
}

int set_worker_cpus(void *target, char *value)
{
	struct serve_config *config = target;
	char *copy = strdup(value), *rest = copy, *range;
	int err = copy ? 0 : -ENOMEM;

	config->n_worker_cpus = 0;
	while (!err && (range = strsep(&rest, ",")))
		err = add_range(config, range);
	free(copy);
	return err;
}

enum cli_status cpus_check(const struct serve_config *config)
{
	for (size_t i = 0; i < config->n_worker_cpus; i++) {
		if (CPU_ISSET(config->worker_cpus[i], allowed_cpus()))
			continue;
		log_error("--worker-cpus: the server may not use CPU %u: choose from those that "
			  "'taskset -cp $$' shows, or allow it in AllowedCPUs= or CPUAffinity= of "
			  "the service, or the cpuset of the container",
			  config->worker_cpus[i]);
		return CLI_USAGE;
	}
	return CLI_OK;
}

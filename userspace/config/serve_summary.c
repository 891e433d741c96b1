/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/addr.h"
#include "config/serve_summary.h"

static void print_label(FILE *file, const char *label)
{
	fprintf(file, "%-11s", label);
}

/* The transports in @all that are enabled. */
static void print_transports(FILE *file, const struct serve_config *config, unsigned int all)
{
	for (size_t i = 0; i < TURN_TRANSPORTS; i++) {
		if (config->transports & all & 1u << i)
			fprintf(file, " %s", turn_transport_names[i]);
	}
}

static void print_listeners(FILE *file, const struct serve_config *config, unsigned int transports,
			    const struct turnpike_addr *addrs, size_t n)
{
	char text[ADDR_TEXT_MAX];

	if (n == 0)
		return;
	print_label(file, "clients:");
	for (size_t i = 0; i < n; i++)
		fprintf(file, "%s %s", i ? "," : "", addr_format(&addrs[i], text));
	fprintf(file, " over");
	print_transports(file, config, transports);
	if (config->n_denied_clients > 0)
		fprintf(file, "; prefixes denied: %zu", config->n_denied_clients);
	fprintf(file, "\n");
}

static void print_relays(FILE *file, const struct serve_config *config,
			 const struct endpoints *endpoints)
{
	char text[ADDR_TEXT_MAX], external[ADDR_TEXT_MAX];

	print_label(file, "peers:");
	for (size_t i = 0; i < endpoints->n_relays; i++) {
		const struct turn_relay_address *relay = &endpoints->relays[i];

		fprintf(file, "%s %s", i ? "," : "", addr_format(&relay->addr, text));
		if (relay->external.family)
			fprintf(file, " (mapped to %s)", addr_format(&relay->external, external));
	}
	fprintf(file, "%s, ports %u to %u", endpoints->n_relays > 0 ? "" : " no address",
		config->port_lo, config->port_hi);
	if (config->n_relays > 0 && endpoints->n_relays > 1)
		fprintf(file, "; clients get them in turn");
	if (config->n_allow + config->n_deny > 0)
		fprintf(file, "; prefixes allowed: %zu, denied: %zu", config->n_allow,
			config->n_deny);
	fprintf(file, "; private networks %s\n",
		turn_permits_private(config->private_peers, endpoints->relays, endpoints->n_relays)
			? "allowed"
			: "denied");
}

/* Nothing is missing without a word. */
static void print_notes(FILE *file, const struct endpoints *endpoints)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < endpoints->n_notes; i++) {
		const struct endpoint_note *note = &endpoints->notes[i];

		print_label(file, endpoint_is_missing(note->why) ? "missing:" : "left out:");
		fprintf(file, " %s%s%s: %s\n", endpoint_format(&note->addr, text),
			note->dev[0] ? " on " : "", note->dev, endpoint_why_text(note->why));
	}
}

static void print_credentials(FILE *file, const struct serve_config *config)
{
	print_label(file, "accepted:");
	if (config->n_users + config->n_secrets == 0)
		fprintf(file, " nobody");
	else
		fprintf(file, " users: %zu, secrets: %zu", config->n_users, config->n_secrets);
	fprintf(file, "; realm: %s\n", config->realm);
}

/* 0 means no limit. */
static void print_limit(FILE *file, const char *before, uint32_t limit, const char *unit)
{
	if (limit)
		fprintf(file, "%s %u %s", before, limit, unit);
	else
		fprintf(file, "%s unlimited %s", before, unit);
}

static void print_limits(FILE *file, const struct serve_config *config)
{
	print_label(file, "allocated:");
	print_limit(file, "", config->user_quota, "allocations per user");
	print_limit(file, ",", config->user_allocations, "new ones per user and minute");
	print_limit(file, ",", config->max_allocations, "relayed addresses in total");
	fprintf(file, ", each with %u permissions and %u channels, lifetime %u s\n",
		config->max_permissions, config->max_channels, config->max_lifetime);
	print_label(file, "rates:");
	print_limit(file, "", config->max_rate, "bytes/s per allocation");
	print_limit(file, ",", config->user_rate, "bytes/s per user");
	print_limit(file, ",", config->user_packet_rate, "packets/s per user");
	print_limit(file, ",", config->total_rate, "bytes/s in total");
	print_limit(file, ",", config->unauthenticated_rate,
		    "unauthenticated requests/s and connections/s per source");
	print_limit(file, ",", config->guess_rate, "wrong passwords/s per source and user");
	fprintf(file, "\n");
}

static void print_devices(FILE *file, const struct serve_config *config)
{
	print_label(file, "devices:");
	if (config->n_devices == 0)
		fprintf(file, " those of the addresses and of their routes, mode %s",
			turnpike_mode_name(config->mode));
	for (size_t i = 0; i < config->n_devices; i++) {
		const struct serve_device *device = &config->devices[i];

		fprintf(file, "%s %s, mode %s", i ? ";" : "", device->name,
			turnpike_mode_name(serve_config_mode(config, device)));
	}
	fprintf(file, "\n");
}

static void print_process(FILE *file, const struct serve_config *config)
{
	print_label(file, "process:");
	fprintf(file, " %u workers, user %s, control socket %s, drain time %u s\n",
		config->n_workers, config->run_as ? config->run_as : "unchanged", config->control,
		config->drain_time);
}

static void print_metrics(FILE *file, const struct serve_config *config)
{
	char text[ADDR_TEXT_MAX];

	if (!config->metrics_listen.family)
		return;
	print_label(file, "metrics:");
	fprintf(file, " %s over HTTP\n", addr_format(&config->metrics_listen, text));
}

void serve_summary_print(const struct serve_config *config, const struct endpoints *endpoints,
			 FILE *file)
{
	print_listeners(file, config, 1u << TURN_UDP | 1u << TURN_TCP, endpoints->plain,
			endpoints->n_plain);
	print_listeners(file, config, 1u << TURN_TLS | 1u << TURN_DTLS, endpoints->secure,
			endpoints->n_secure);
	print_relays(file, config, endpoints);
	print_notes(file, endpoints);
	print_credentials(file, config);
	print_limits(file, config);
	print_devices(file, config);
	print_process(file, config);
	print_metrics(file, config);
}

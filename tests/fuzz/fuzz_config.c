/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Our and coturn's configuration files, parsed from memory. Accepted values are within their
 * bounds, parsing is deterministic, every rejection is logged, and secrets are wiped from memory.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "config/config_file.h"
#include "config/coturn_config.h"
#include "config/lines.h"
#include "config/reload.h"
#include "fuzz.h"
#include "private/array_len.h"
#include "base/log.h"

/* The first byte of an input selects the format by its lowest bit; the text follows. */
#define OURS   't'
#define COTURN 'c'

static unsigned long long errors, taken[2], refused[2], checked[2], contradictions;
static unsigned long long users, keys, secrets, denied, expanded;

/* Only the levels of messages matter here. */
void log_at(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	errors += level == LOG_ERROR;
}

/* Mocks: no file is opened. */
enum cli_status __wrap_lines_each_of_file(const char *path, lines_taker *take, void *arg);
enum cli_status __wrap_lines_check_access(const char *path);
int __wrap_access(const char *path, int mode);

enum cli_status __wrap_lines_each_of_file(const char *path, lines_taker *take, void *arg)
{
	(void)take, (void)arg;
	log_error("%s cannot be read", path);
	return CLI_ERROR;
}

enum cli_status __wrap_lines_check_access(const char *path)
{
	(void)path;
	return CLI_OK;
}

int __wrap_access(const char *path, int mode)
{
	(void)path, (void)mode;
	return 0;
}

static enum cli_status take(bool coturn, const uint8_t *data, size_t size,
			    struct serve_config *config)
{
	/* Allocated separately, so that AddressSanitizer detects overflows. */
	char *text = malloc(size + 1);
	enum cli_status status;

	must(text, "memory");
	memcpy(text, data, size);
	text[size] = '\0';
	must(serve_config_init(config) == 0, "memory");
	status = coturn ? coturn_config_take("text", text, size, serve_options, config)
			: config_file_take("text", text, size, serve_options, config);
	for (size_t i = 0; i <= size; i++)
		must(text[i] == '\0', "the text is wiped");
	free(text);
	return status;
}

static void check_users(const struct serve_config *config)
{
	for (size_t i = 0; i < config->n_users; i++) {
		const struct serve_user *user = &config->users[i];
		const size_t len = strlen(user->name);

		must(len > 0 && len <= 508 && !strchr(user->name, ':'), "a name");
		must(!user->password != !user->key, "a password or a key");
		must(!user->key || user->key_len == 16 || user->key_len == 32, "MD5 or SHA-256");
		keys += user->key != NULL;
	}
	for (size_t i = 0; i < config->n_secrets; i++)
		must(config->secrets[i][0] != '\0', "no secret is empty");
	users += config->n_users;
	secrets += config->n_secrets;
}

static void check_cidrs(const struct addr_cidr *cidrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(addr_len(&cidrs[i].addr) > 0, "a family");
		must(cidrs[i].prefix <= 8 * addr_len(&cidrs[i].addr), "the length of a prefix");
		must(addr_cidr_contains(&cidrs[i], &cidrs[i].addr), "a prefix");
		must(cidrs[i].addr.port == 0, "no port");
	}
	denied += n;
}

static void check_bounds(const struct serve_config *config)
{
	must(config->port_lo > 0 && config->port_lo <= config->port_hi, "ports");
	must(config->transports > 0 && config->transports < 1 << TURN_TRANSPORTS, "transports");
	must(config->realm[0] != '\0' && strlen(config->realm) <= 127, "a realm");
	must(config->control[0] != '\0', "a control socket");
	must(config->max_lifetime >= 600 && config->max_lifetime <= 86400, "a lifetime");
	must(config->nonce_lifetime >= 1 && config->nonce_lifetime <= 86400, "a nonce's lifetime");
	must(config->max_permissions >= 1 && config->max_channels >= 1, "permissions and channels");
	must(config->n_workers >= 1 && config->n_workers <= 1024, "workers");
	must(config->datapath.backoff_first_ms <= config->datapath.backoff_longest_ms, "backoff");
	for (size_t i = 0; i < config->n_devices; i++)
		must(strnlen(config->devices[i].name, IFNAMSIZ) < IFNAMSIZ, "a device");
	for (size_t i = 0; i < config->n_alternates; i++)
		must(config->alternates[i].port != 0, "a port");
	check_users(config);
	check_cidrs(config->allow, config->n_allow);
	check_cidrs(config->deny, config->n_deny);
}

/* A machine with an address of either family. */
static const struct host_address machine[] = {
	{ .addr = { .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } },
	  .link = { .ifindex = 1, .name = "eth0", .up = true, .carrier = true } },
	{ .addr = { .family = TURNPIKE_IPV6, .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
	  .link = { .ifindex = 1, .name = "eth0", .up = true, .carrier = true } },
};

static void check_listeners(const struct serve_config *config, const struct turnpike_addr *addrs,
			    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(!endpoint_is_wildcard(&addrs[i]) && addrs[i].port != 0, "an exact address");
		must(ntohs(addrs[i].port) < config->port_lo ||
			     ntohs(addrs[i].port) > config->port_hi,
		     "not among the relayed ports");
	}
}

/* What is configured is served or has a note. */
static void check_endpoints(const struct serve_config *config)
{
	const struct host_addresses host = { .list = (struct host_address *)machine,
					     .n = ARRAY_LEN(machine) };
	const struct endpoint_rules rules = serve_config_rules(config);
	struct endpoints endpoints;

	must(endpoints_resolve(&rules, &host, NULL, &endpoints) == 0, "memory");
	check_listeners(config, endpoints.plain, endpoints.n_plain);
	check_listeners(config, endpoints.secure, endpoints.n_secure);
	must(endpoints.n_plain + endpoints.n_secure + endpoints.n_notes > 0, "listeners or notes");
	for (size_t i = 0; i < endpoints.n_relays; i++) {
		const struct turn_relay_address *relay = &endpoints.relays[i];

		must(!endpoint_is_wildcard(&relay->addr) && relay->addr.port == 0,
		     "a relay address");
		must(!relay->external.family || relay->external.family == relay->addr.family,
		     "one family");
	}
	expanded += endpoints.n_plain > 1;
	endpoints_free(&endpoints);
}

/* Conditions on several options after serve_config_check(). */
static void check_checked(const struct serve_config *config)
{
	must(config->n_listen + config->n_listen_tls > 0, "listeners");
	must(config->n_listen_tls == 0 || (config->cert && config->key), "a certificate");
	check_endpoints(config);
}

/* Returns the status of parsing and checking. The caller frees @config in any case. */
static enum cli_status take_and_check(bool coturn, const uint8_t *data, size_t size,
				      struct serve_config *config)
{
	const unsigned long long before = errors;
	enum cli_status status = take(coturn, data, size, config);

	must((status == CLI_OK) == (errors == before),
	     "each error is logged, and no other message is one");
	if (status != CLI_OK) {
		refused[coturn]++;
		return status;
	}
	taken[coturn]++;
	check_bounds(config);
	status = serve_config_check(config);
	must((status == CLI_OK) == (errors == before), "a contradiction is logged");
	contradictions += status != CLI_OK;
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool coturn = size > 0 && data[0] % 2 == COTURN % 2;
	struct serve_config config, again;
	struct reload reload;

	if (size == 0)
		return 0;
	if (take_and_check(coturn, data + 1, size - 1, &config) == CLI_OK) {
		check_checked(&config);
		checked[coturn]++;
		must(take_and_check(coturn, data + 1, size - 1, &again) == CLI_OK,
		     "parsing is deterministic");
		reload_compare(&config, &again, &reload);
		must(reload.parts == 0 && reload.n_restarts == 0, "nothing has changed");
		serve_config_free(&again);
	}
	serve_config_free(&config);
	return 0;
}

int fuzz_missed(void)
{
	return missed("ours, taken", taken[0]) + missed("ours, refused", refused[0]) +
	       missed("ours, can be served", checked[0]) + missed("coturn's, taken", taken[1]) +
	       missed("coturn's, refused", refused[1]) +
	       missed("coturn's, can be served", checked[1]) +
	       missed("contradictions", contradictions) + missed("users", users) +
	       missed("keys", keys) + missed("secrets", secrets) + missed("prefixes", denied) +
	       missed("wildcards", expanded);
}

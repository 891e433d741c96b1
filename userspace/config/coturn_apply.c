/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/coturn_apply.h"
#include "private/array_len.h"

/** The largest --nonce-lifetime. */
#define NONCE_LIFETIME_MAX 86400

const struct cli_option *coturn_find_option(const struct coturn_reading *reading, const char *name)
{
	const struct cli_option *option = reading->options;

	while (option->name && strcmp(option->name, name) != 0)
		option++;
	return option->name ? option : NULL;
}

static enum cli_status log_fate(const struct coturn_entry *entry)
{
	const struct coturn_key *key = entry->key;

	switch (key->fate) {
	case COTURN_TAKEN:
		break;
	case COTURN_ALMOST:
		log_at(LOG_WARNING, "%s%s is converted to %s, but %s", entry->origin, key->name,
		       key->option, key->why);
		break;
	case COTURN_NEEDLESS:
		log_at(LOG_INFO, "%s%s is not needed here: %s", entry->origin, key->name, key->why);
		break;
	case COTURN_MISSING:
		log_at(LOG_WARNING, "%s%s has no effect: %s", entry->origin, key->name, key->why);
		break;
	case COTURN_REFUSED:
		log_error("%s%s cannot be converted: %s", entry->origin, key->name, key->why);
		return CLI_USAGE;
	}
	return CLI_OK;
}

/* Collects what is needed by options that depend on several keys. */
static enum cli_status collect(struct coturn *coturn, const struct coturn_entry *entry)
{
	char *field = (char *)coturn + entry->key->field;
	const bool present = true;
	const char *text = entry->value;
	uint32_t number;

	if (entry->key->how == COTURN_NUMBER) {
		if (cli_number(text, 0, COTURN_UNSET - 1, &number)) {
			log_error("%s%s: expected a number", entry->origin, entry->key->name);
			return CLI_USAGE;
		}
		memcpy(field, &number, sizeof(number));
	} else if (entry->key->how == COTURN_TEXT) {
		memcpy(field, &text, sizeof(text));
	} else {
		memcpy(field, &present, sizeof(present));
	}
	return CLI_OK;
}

/* @key: of coturn, which @value belongs to; NULL: several keys. */
static enum cli_status apply(struct coturn_reading *reading, const char *origin, const char *key,
			     const char *option, const char *value)
{
	char *copy = strdup(value), *prefix = NULL;
	enum cli_status status = CLI_ERROR;

	if (key && asprintf(&prefix, "%s%s, here ", origin, key) < 0)
		prefix = NULL;
	if (copy && (prefix || !key))
		status = cli_apply(coturn_find_option(reading, option), key ? prefix : origin, copy,
				   reading->target);
	else
		cli_no_memory();
	if (copy)
		explicit_bzero(copy, strlen(copy));
	free(copy);
	free(prefix);
	return status;
}

static enum cli_status apply_as(struct coturn_reading *reading, const struct coturn_entry *entry,
				const char *value)
{
	return apply(reading, entry->origin, entry->key->name, entry->key->option, value);
}

static enum cli_status apply_path(struct coturn_reading *reading, const struct coturn_entry *entry)
{
	const char *slash = strrchr(reading->name, '/');
	enum cli_status status;
	char *path;

	if (*entry->value == '/' || !slash)
		return apply_as(reading, entry, entry->value);
	if (asprintf(&path, "%.*s/%s", (int)(slash - reading->name), reading->name, entry->value) <
	    0)
		return cli_no_memory();
	status = apply_as(reading, entry, path);
	free(path);
	return status;
}

/* coturn always rejects these peers, while --allow-peer would permit them. */
static bool has_loopback(const struct addr_cidr *cidr)
{
	static const char *const never[] = { "0.0.0.0/8", "127.0.0.0/8", "::/127" };
	struct addr_cidr other;

	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		if (!addr_cidr_parse(never[i], &other) && (addr_cidr_contains(cidr, &other.addr) ||
							   addr_cidr_contains(&other, &cidr->addr)))
			return true;
	}
	return false;
}

static enum cli_status apply_prefix(struct coturn_reading *reading,
				    const struct coturn_entry *entry, const struct addr_cidr *cidr)
{
	char text[ADDR_TEXT_MAX + 4];

	if (strcmp(entry->key->option, "allow-peer") == 0 && has_loopback(cidr)) {
		log_error(
			"%s%s: the range includes loopback addresses or 0.0.0.0/8, which coturn always "
			"rejects: exclude them from the range",
			entry->origin, entry->key->name);
		return CLI_USAGE;
	}
	addr_format(&cidr->addr, text);
	snprintf(text + strlen(text), 5, "/%u", cidr->prefix);
	return apply_as(reading, entry, text);
}

static int parse_range(char *value, struct turnpike_addr *first, struct turnpike_addr *last)
{
	char *dash = strchr(value, '-');
	int err;

	if (dash)
		*dash = '\0';
	err = addr_parse(value, first) || addr_parse(dash ? dash + 1 : value, last);
	if (dash)
		*dash = '-';
	if (err || first->port || last->port || first->family != last->family ||
	    memcmp(first->ip, last->ip, sizeof(first->ip)) > 0)
		return -EINVAL;
	return 0;
}

static enum cli_status apply_range(struct coturn_reading *reading, const struct coturn_entry *entry)
{
	enum cli_status status = CLI_OK;
	struct turnpike_addr first, last;
	struct addr_cidr cidr;
	bool more = true;

	if (parse_range(entry->value, &first, &last)) {
		log_error("%s%s '%s': expected an address, or a range such as "
			  "10.0.0.0-10.255.255.255",
			  entry->origin, entry->key->name, entry->value);
		return CLI_USAGE;
	}
	while (more && status == CLI_OK) {
		more = addr_range_cut(&first, &last, &cidr);
		status = apply_prefix(reading, entry, &cidr);
	}
	return status;
}

static bool is_plain(const struct coturn *coturn)
{
	return !coturn->no_udp || !coturn->no_tcp;
}

static bool is_encrypted(const struct coturn *coturn)
{
	return coturn->has_cert && coturn->has_pkey && (!coturn->no_tls || !coturn->no_dtls);
}

/* @ip: without a port; "" means all addresses. With a port, an IPv6 address needs brackets. */
static enum cli_status listen_on(struct coturn_reading *reading, const char *origin,
				 const char *key, const char *ip, const char *option, uint32_t port)
{
	const bool bare = strchr(ip, ':') && *ip != '[';
	char text[128];

	snprintf(text, sizeof(text), "%s%.100s%s:%u", bare ? "[" : "", ip, bare ? "]" : "", port);
	return apply(reading, origin, key, option, text);
}

static enum cli_status listen_at(struct coturn_reading *reading, const char *origin,
				 const char *key, const char *ip)
{
	const struct coturn *coturn = &reading->coturn;
	enum cli_status status = CLI_OK;

	if (is_plain(coturn))
		status = listen_on(reading, origin, key, ip, "listen", coturn->port);
	if (status == CLI_OK && is_encrypted(coturn))
		status = listen_on(reading, origin, key, ip, "listen-tls", coturn->tls_port);
	return status;
}

static enum cli_status apply_user(struct coturn_reading *reading, const struct coturn_entry *entry)
{
	if (!reading->coturn.use_auth_secret && !reading->coturn.has_secret)
		return apply_as(reading, entry, entry->value);
	log_at(LOG_WARNING, "%s%s has no effect: coturn ignores users when secrets are configured",
	       entry->origin, entry->key->name);
	return CLI_OK;
}

static enum cli_status apply_entry(struct coturn_reading *reading, const struct coturn_entry *entry)
{
	switch (entry->key->how) {
	case COTURN_ANY:
	case COTURN_FLAG:
	case COTURN_NUMBER:
	case COTURN_TEXT:
		break;
	case COTURN_OPTION:
		return apply_as(reading, entry, entry->value);
	case COTURN_FILE:
		return apply_path(reading, entry);
	case COTURN_RANGE:
		return apply_range(reading, entry);
	case COTURN_LISTENER:
		return listen_at(reading, entry->origin, entry->key->name, entry->value);
	case COTURN_USER:
		return apply_user(reading, entry);
	}
	return CLI_OK;
}

static enum cli_status apply_transports(struct coturn_reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;
	char text[32];

	snprintf(text, sizeof(text), "%s%s%s%s", coturn->no_udp ? "" : ",udp",
		 coturn->no_tcp ? "" : ",tcp", coturn->no_tls ? "" : ",tls",
		 coturn->no_dtls ? "" : ",dtls");
	if (*text == '\0') {
		log_error(
			"%sall transports are disabled: remove one of no-udp, no-tcp, no-tls and no-dtls",
			origin);
		return CLI_USAGE;
	}
	return apply(reading, origin, NULL, "transports", text + 1);
}

static enum cli_status apply_ports(struct coturn_reading *reading, const char *origin)
{
	char text[32];

	snprintf(text, sizeof(text), "%u-%u", reading->coturn.min_port, reading->coturn.max_port);
	return apply(reading, origin, "min-port and max-port", "relay-ports", text);
}

static enum cli_status apply_threads(struct coturn_reading *reading, const char *origin)
{
	const uint32_t threads = reading->coturn.threads;
	char text[16];

	if (threads == COTURN_UNSET)
		return CLI_OK;
	snprintf(text, sizeof(text), "%u", threads ? threads : 1);
	return apply(reading, origin, "relay-threads", "workers", text);
}

static enum cli_status apply_nonce(struct coturn_reading *reading, const char *origin)
{
	const uint32_t seconds = reading->coturn.stale_nonce;
	char text[16];

	if (seconds == COTURN_UNSET)
		return CLI_OK;
	snprintf(text, sizeof(text), "%u", seconds ? seconds : NONCE_LIFETIME_MAX);
	return apply(reading, origin, "stale-nonce", "nonce-lifetime", text);
}

static enum cli_status apply_run_as(struct coturn_reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;
	enum cli_status status;
	char *text;

	if (!coturn->user && coturn->group) {
		log_error("%sproc-group requires proc-user here: add it, or remove proc-group",
			  origin);
		return CLI_USAGE;
	}
	if (!coturn->user)
		return CLI_OK;
	if (asprintf(&text, "%s%s%s", coturn->user, coturn->group ? ":" : "",
		     coturn->group ? coturn->group : "") < 0)
		return cli_no_memory();
	status = apply(reading, origin, "proc-user", "run-as", text);
	free(text);
	return status;
}

static enum cli_status apply_log_level(struct coturn_reading *reading, const char *origin)
{
	if (!reading->coturn.verbose)
		return CLI_OK;
	return apply(reading, origin, "Verbose", "log-level", "debug");
}

static enum cli_status apply_default_listener(struct coturn_reading *reading, const char *origin)
{
	if (reading->coturn.has_listener)
		return CLI_OK;
	return listen_at(reading, origin, NULL, "");
}

static enum cli_status check_secret(struct coturn_reading *reading, const char *origin)
{
	if (!reading->coturn.use_auth_secret || reading->coturn.has_secret)
		return CLI_OK;
	log_error("%suse-auth-secret requires static-auth-secret: secrets in databases are not "
		  "supported",
		  origin);
	return CLI_USAGE;
}

static void log_differences(const struct coturn_reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;

	if (!coturn->has_cert && !coturn->has_pkey && (!coturn->no_tls || !coturn->no_dtls))
		log_at(LOG_INFO, "%swithout cert and pkey, TLS and DTLS are not served", origin);
	if (!coturn->has_realm)
		log_at(LOG_INFO, "%swithout realm, the realm is turnpike, not the domain name",
		       origin);
}

/* Options that follow from several keys, or from missing ones. */
static enum cli_status apply_derived(struct coturn_reading *reading)
{
	static enum cli_status (*const steps[])(struct coturn_reading *, const char *origin) = {
		check_secret, apply_default_listener, apply_transports, apply_ports, apply_threads,
		apply_nonce,  apply_log_level,        apply_run_as,
	};
	enum cli_status status = CLI_OK;
	char origin[256];

	snprintf(origin, sizeof(origin), "%.200s: ", reading->name);
	log_differences(reading, origin);
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == CLI_OK; i++)
		status = steps[i](reading, origin);
	return status;
}

void coturn_apply(struct coturn_reading *reading)
{
	enum cli_status status = reading->status;

	for (size_t i = 0; i < reading->n; i++) {
		if (log_fate(&reading->entries[i]) != CLI_OK ||
		    collect(&reading->coturn, &reading->entries[i]) != CLI_OK)
			status = CLI_USAGE;
	}
	for (size_t i = 0; i < reading->n && status == CLI_OK; i++)
		status = apply_entry(reading, &reading->entries[i]);
	reading->status = status == CLI_OK ? apply_derived(reading) : status;
}

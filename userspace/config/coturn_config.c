/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "config/coturn_config.h"
#include "config/coturn_keys.h"
#include "config/lines.h"
#include "base/log.h"

#define DEFAULT_PORT     3478
#define DEFAULT_PORT_TLS 5349
#define MIN_PORT         49152
#define MAX_PORT         65535
/** What --nonce-lifetime can be at most. */
#define NONCE_FOR_EVER 86400

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/** struct entry - a line that says something */
struct entry {
	const struct coturn_key *key;
	char *origin;
	char *value;
};

/**
 * struct reading - a file that is being read
 *
 * All lines are there before anything is done, because what one means may depend on later ones.
 */
struct reading {
	const char *name;
	const struct cli_option *options;
	void *target;
	struct entry *entries;
	size_t n;
	struct coturn coturn;
	enum cli_status status;
};

static const struct coturn_key *find_key(const char *name)
{
	const struct coturn_key *key = coturn_keys;

	while (key->name && strcmp(key->name, name) != 0)
		key++;
	return key->name ? key : NULL;
}

static const struct cli_option *find_option(const struct reading *reading, const char *name)
{
	const struct cli_option *option = reading->options;

	while (option->name && strcmp(option->name, name) != 0)
		option++;
	return option->name ? option : NULL;
}

/* As coturn cuts a line: name, then any of these, then the value, perhaps in quotes. */
static char *cut(char *line)
{
	char *value = line + strcspn(line, " =\t");

	if (*value != '\0')
		*value++ = '\0';
	value += strspn(value, " =\t");
	if (*value == '"') {
		size_t len = strlen(++value);

		if (len > 0 && value[len - 1] == '"')
			value[len - 1] = '\0';
	}
	return value;
}

/* As coturn reads it, too. Returns -EINVAL for what ends coturn. */
static int parse_flag(const char *value)
{
	static const char *const no[] = { "off", "OFF", "Off" }, *const yes[] = { "on", "ON",
										  "On" };

	if (*value == '\0' || strchr("123456789yYtT", *value))
		return true;
	if (strchr("0nNfF", *value))
		return false;
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
		if (strcmp(value, no[i]) == 0)
			return false;
		if (strcmp(value, yes[i]) == 0)
			return true;
	}
	return -EINVAL;
}

static int add_entry(struct reading *reading, const struct coturn_key *key, const char *origin,
		     const char *value)
{
	struct entry *grown = reallocarray(reading->entries, reading->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	reading->entries = grown;
	grown[reading->n] = (struct entry){
		.key = key,
		.origin = strdup(origin),
		.value = strdup(value),
	};
	reading->n++;
	return grown[reading->n - 1].origin && grown[reading->n - 1].value ? 0 : -ENOMEM;
}

static enum cli_status take_line(void *arg, const char *origin, char *line)
{
	struct reading *reading = arg;
	const char *value = cut(line);
	const struct coturn_key *key = find_key(line);
	int on = true;

	if (!key) {
		/* Whatever does not look like one may be part of a secret, and is not said. */
		log_error(
			"%s%s is no key of coturn's that is known here: correct it, or leave it out",
			origin, line[strspn(line, KEY_CHARS)] == '\0' ? line : "this");
		reading->status = CLI_USAGE;
		return CLI_OK;
	}
	if (*value == '\0' && key->empty)
		value = key->empty;
	if (key->how == COTURN_FLAG)
		on = parse_flag(value);
	if (on < 0) {
		log_error("%s%s: expected yes or no", origin, key->name);
		reading->status = CLI_USAGE;
	}
	/* What is off, or as it is here, might as well not be there. */
	if (on <= 0 || (key->same && strcmp(value, key->same) == 0))
		return CLI_OK;
	return add_entry(reading, key, origin, value) ? cli_no_memory() : CLI_OK;
}

static enum cli_status tell_fate(const struct entry *entry)
{
	const struct coturn_key *key = entry->key;

	switch (key->fate) {
	case COTURN_TAKEN:
		break;
	case COTURN_ALMOST:
		log_at(LOG_WARNING, "%s%s is taken as %s, but %s", entry->origin, key->name,
		       key->option, key->why);
		break;
	case COTURN_NEEDLESS:
		log_at(LOG_INFO, "%s%s is not needed: %s", entry->origin, key->name, key->why);
		break;
	case COTURN_MISSING:
		log_at(LOG_WARNING, "%s%s has no effect: %s", entry->origin, key->name, key->why);
		break;
	case COTURN_REFUSED:
		log_error("%s%s cannot be taken over: %s", entry->origin, key->name, key->why);
		return CLI_USAGE;
	}
	return CLI_OK;
}

/* What several keys say together is noted first. */
static enum cli_status note(struct coturn *coturn, const struct entry *entry)
{
	char *field = (char *)coturn + entry->key->field;
	const bool there = true;
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
		memcpy(field, &there, sizeof(there));
	}
	return CLI_OK;
}

/* @key is what the value is of in coturn's file; NULL: several. */
static enum cli_status apply(struct reading *reading, const char *origin, const char *key,
			     const char *option, const char *value)
{
	char *copy = strdup(value), *place = NULL;
	enum cli_status status = CLI_ERROR;

	if (key && asprintf(&place, "%s%s, here ", origin, key) < 0)
		place = NULL;
	if (copy && (place || !key))
		status = cli_apply(find_option(reading, option), key ? place : origin, copy,
				   reading->target);
	else
		cli_no_memory();
	if (copy)
		explicit_bzero(copy, strlen(copy));
	free(copy);
	free(place);
	return status;
}

static enum cli_status apply_as(struct reading *reading, const struct entry *entry,
				const char *value)
{
	return apply(reading, entry->origin, entry->key->name, entry->key->option, value);
}

static enum cli_status apply_path(struct reading *reading, const struct entry *entry)
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

/* coturn refuses these whatever it allows, and --allow-peer would not. */
static bool has_loopback(const struct addr_cidr *cidr)
{
	static const char *const never[] = { "0.0.0.0/8", "127.0.0.0/8", "::/127" };
	struct addr_cidr other;

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++) {
		if (!addr_cidr_parse(never[i], &other) && (addr_cidr_contains(cidr, &other.addr) ||
							   addr_cidr_contains(&other, &cidr->addr)))
			return true;
	}
	return false;
}

static enum cli_status apply_prefix(struct reading *reading, const struct entry *entry,
				    const struct addr_cidr *cidr)
{
	char text[ADDR_TEXT_MAX + 4];

	if (strcmp(entry->key->option, "allow-peer") == 0 && has_loopback(cidr)) {
		log_error(
			"%s%s: the range has loopback addresses, or 0.0.0.0/8, which coturn refuses all "
			"the same: give a range without them",
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

static enum cli_status apply_range(struct reading *reading, const struct entry *entry)
{
	enum cli_status status = CLI_OK;
	struct turnpike_addr first, last;
	struct addr_cidr cidr;
	bool more = true;

	if (parse_range(entry->value, &first, &last)) {
		log_error("%s%s '%s': expected an address or two with a dash in between, such as "
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

/* @ip: without a port, "" for all addresses. With one, an address of IPv6 needs brackets. */
static enum cli_status listen_on(struct reading *reading, const char *origin, const char *key,
				 const char *ip, const char *option, uint32_t port)
{
	const bool bare = strchr(ip, ':') && *ip != '[';
	char text[128];

	snprintf(text, sizeof(text), "%s%.100s%s:%u", bare ? "[" : "", ip, bare ? "]" : "", port);
	return apply(reading, origin, key, option, text);
}

static enum cli_status listen_at(struct reading *reading, const char *origin, const char *key,
				 const char *ip)
{
	const struct coturn *coturn = &reading->coturn;
	enum cli_status status = CLI_OK;

	if (is_plain(coturn))
		status = listen_on(reading, origin, key, ip, "listen", coturn->port);
	if (status == CLI_OK && is_encrypted(coturn))
		status = listen_on(reading, origin, key, ip, "listen-tls", coturn->tls_port);
	return status;
}

static enum cli_status apply_user(struct reading *reading, const struct entry *entry)
{
	if (!reading->coturn.use_auth_secret && !reading->coturn.has_secret)
		return apply_as(reading, entry, entry->value);
	log_at(LOG_WARNING, "%s%s has no effect: there are secrets, and then coturn knows no users",
	       entry->origin, entry->key->name);
	return CLI_OK;
}

static enum cli_status apply_entry(struct reading *reading, const struct entry *entry)
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

static enum cli_status apply_transports(struct reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;
	char text[32];

	snprintf(text, sizeof(text), "%s%s%s%s", coturn->no_udp ? "" : ",udp",
		 coturn->no_tcp ? "" : ",tcp", coturn->no_tls ? "" : ",tls",
		 coturn->no_dtls ? "" : ",dtls");
	if (*text == '\0') {
		log_error(
			"%sall transports are turned off: leave one of no-udp, no-tcp, no-tls and "
			"no-dtls out",
			origin);
		return CLI_USAGE;
	}
	return apply(reading, origin, NULL, "transports", text + 1);
}

static enum cli_status apply_ports(struct reading *reading, const char *origin)
{
	char text[32];

	snprintf(text, sizeof(text), "%u-%u", reading->coturn.min_port, reading->coturn.max_port);
	return apply(reading, origin, "min-port and max-port", "relay-ports", text);
}

static enum cli_status apply_threads(struct reading *reading, const char *origin)
{
	const uint32_t threads = reading->coturn.threads;
	char text[16];

	if (threads == COTURN_UNSET)
		return CLI_OK;
	snprintf(text, sizeof(text), "%u", threads ? threads : 1);
	return apply(reading, origin, "relay-threads", "workers", text);
}

static enum cli_status apply_nonce(struct reading *reading, const char *origin)
{
	const uint32_t seconds = reading->coturn.stale_nonce;
	char text[16];

	if (seconds == COTURN_UNSET)
		return CLI_OK;
	snprintf(text, sizeof(text), "%u", seconds ? seconds : NONCE_FOR_EVER);
	return apply(reading, origin, "stale-nonce", "nonce-lifetime", text);
}

static enum cli_status apply_user_to_run_as(struct reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;
	enum cli_status status;
	char *text;

	if (!coturn->user && coturn->group) {
		log_error("%sproc-group is taken over together with proc-user only: give that too",
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

static enum cli_status apply_log_level(struct reading *reading, const char *origin)
{
	if (!reading->coturn.verbose)
		return CLI_OK;
	return apply(reading, origin, "Verbose", "log-level", "debug");
}

static enum cli_status apply_default_listener(struct reading *reading, const char *origin)
{
	if (reading->coturn.has_listener)
		return CLI_OK;
	return listen_at(reading, origin, NULL, "");
}

static enum cli_status check_secret(struct reading *reading, const char *origin)
{
	if (!reading->coturn.use_auth_secret || reading->coturn.has_secret)
		return CLI_OK;
	log_error("%suse-auth-secret needs a static-auth-secret: secrets in databases are not read",
		  origin);
	return CLI_USAGE;
}

static void tell_what_differs(const struct reading *reading, const char *origin)
{
	const struct coturn *coturn = &reading->coturn;

	if (!coturn->has_cert && !coturn->has_pkey && (!coturn->no_tls || !coturn->no_dtls))
		log_at(LOG_INFO, "%swithout cert and pkey nobody is served over TLS and DTLS",
		       origin);
	if (!coturn->has_realm)
		log_at(LOG_INFO, "%swithout realm it is turnpike, not the name of the domain",
		       origin);
}

/* What no line says by itself. */
static enum cli_status apply_rest(struct reading *reading)
{
	static enum cli_status (*const steps[])(struct reading *, const char *origin) = {
		check_secret,    apply_default_listener, apply_transports,
		apply_ports,     apply_threads,          apply_nonce,
		apply_log_level, apply_user_to_run_as,
	};
	enum cli_status status = CLI_OK;
	char origin[256];

	snprintf(origin, sizeof(origin), "%.200s: ", reading->name);
	tell_what_differs(reading, origin);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && status == CLI_OK; i++)
		status = steps[i](reading, origin);
	return status;
}

/* All that cannot be taken over is told at once. */
static void apply_all(struct reading *reading)
{
	enum cli_status status = reading->status;

	for (size_t i = 0; i < reading->n; i++) {
		if (tell_fate(&reading->entries[i]) != CLI_OK ||
		    note(&reading->coturn, &reading->entries[i]) != CLI_OK)
			status = CLI_USAGE;
	}
	for (size_t i = 0; i < reading->n && status == CLI_OK; i++)
		status = apply_entry(reading, &reading->entries[i]);
	reading->status = status == CLI_OK ? apply_rest(reading) : status;
}

static bool has_secrets(const struct reading *reading)
{
	for (size_t i = 0; i < reading->n; i++) {
		const char *name = reading->entries[i].key->option;
		const struct cli_option *option = name ? find_option(reading, name) : NULL;

		if (option && option->instead)
			return true;
	}
	return false;
}

static void free_entries(struct reading *reading)
{
	for (size_t i = 0; i < reading->n; i++) {
		struct entry *entry = &reading->entries[i];

		if (entry->value)
			explicit_bzero(entry->value, strlen(entry->value));
		free(entry->value);
		free(entry->origin);
	}
	free(reading->entries);
}

static struct reading reading_of(const char *name, const struct cli_option *options, void *target)
{
	return (struct reading){
		.name = name,
		.options = options,
		.target = target,
		.coturn = { .port = DEFAULT_PORT,
			    .tls_port = DEFAULT_PORT_TLS,
			    .min_port = MIN_PORT,
			    .max_port = MAX_PORT,
			    .threads = COTURN_UNSET,
			    .stale_nonce = COTURN_UNSET },
	};
}

/* After all lines are there. */
static enum cli_status finish(struct reading *reading, enum cli_status status)
{
	if (status != CLI_OK)
		return status;
	apply_all(reading);
	return reading->status;
}

enum cli_status coturn_config_read(const char *path, const struct cli_option *options, void *target)
{
	struct reading reading = reading_of(path, options, target);
	enum cli_status status = finish(&reading, lines_each_of_file(path, take_line, &reading));

	if (has_secrets(&reading))
		lines_warn_of_readers(path);
	free_entries(&reading);
	return status;
}

enum cli_status coturn_config_take(const char *name, char *text, size_t len,
				   const struct cli_option *options, void *target)
{
	struct reading reading = reading_of(name, options, target);
	enum cli_status status = finish(&reading, lines_each(name, text, len, take_line, &reading));

	free_entries(&reading);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/serve_addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "host/host_monitor.h"
#include "net/listeners.h"
#include "process/turn_io.h"

/** After so many seconds, an address that could not be bound is tried again. */
#define RETRY_SECONDS 10

struct serve_addresses {
	const struct serve_config *config;
	struct host_monitor *monitor;
	struct event *retry;
	struct endpoints endpoints;
	void (*changed)(void *arg);
	void *arg;
};

static bool can_bind(const struct turnpike_addr *addr)
{
	return turn_io_try_relay(addr) == 0;
}

static bool has_note(const struct endpoints *endpoints, const struct endpoint_note *note)
{
	for (size_t i = 0; endpoints && i < endpoints->n_notes; i++) {
		if (memcmp(&endpoints->notes[i], note, sizeof(*note)) == 0)
			return true;
	}
	return false;
}

/** struct trial - of the addresses that were not served before */
struct trial {
	const struct serve_config *config;
	const struct endpoints *before; /* NULL: the server starts, and errors end it */
	struct endpoints *now;
	bool in_use;
};

/* Return: 0 if the server can go on without @addr, else @err. */
static int refuse(struct trial *trial, const struct turnpike_addr *addr, int err)
{
	const struct endpoint_note note = { .addr = *addr, .why = ENDPOINT_UNBOUND };

	/* It has just gone. */
	if (err == -EADDRNOTAVAIL)
		return endpoints_note(trial->now, addr, "", ENDPOINT_ABSENT);
	if (!has_note(trial->before, &note))
		listeners_log_bind_error(addr, err);
	return trial->before ? endpoints_note(trial->now, addr, "", ENDPOINT_UNBOUND) : err;
}

static int try_listeners(struct trial *trial, bool is_secure)
{
	const struct endpoints *before = trial->before;
	struct endpoints *now = trial->now;
	struct turnpike_addr *list = is_secure ? now->secure : now->plain;
	size_t *n = is_secure ? &now->n_secure : &now->n_plain;
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < *n && !err; i++) {
		const bool is_open =
			before &&
			addr_list_has(is_secure ? before->secure : before->plain,
				      is_secure ? before->n_secure : before->n_plain, &list[i]);

		if (!is_open && !trial->in_use)
			err = listeners_try(trial->config->transports, is_secure, &list[i]);
		if (err)
			err = refuse(trial, &list[i], err);
		else
			list[kept++] = list[i];
	}
	*n = kept;
	return err;
}

static int try_relays(struct trial *trial)
{
	struct endpoints *now = trial->now;
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < now->n_relays && !err; i++) {
		err = turn_io_try_relay(&now->relays[i].addr);
		if (err)
			err = refuse(trial, &now->relays[i].addr, err);
		else
			now->relays[kept++] = now->relays[i];
	}
	now->n_relays = kept;
	return err;
}

/* While the server runs, this is a note. At the start, the operator can still decide. */
static int check_externals(const struct endpoints *endpoints)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < endpoints->n_notes; i++) {
		const struct endpoint_note *note = &endpoints->notes[i];

		if (note->why != ENDPOINT_AMBIGUOUS)
			continue;
		log_error("--external-ip %s is ambiguous: %s", addr_format(&note->addr, text),
			  endpoint_why_text(note->why));
		return -EINVAL;
	}
	return 0;
}

static int find(struct trial *trial, const struct host_addresses *host)
{
	struct endpoint_rules rules = serve_config_rules(trial->config);
	const struct endpoints *before = trial->before;
	struct endpoints *ret = trial->now;
	int err;

	rules.can_bind = can_bind;
	err = endpoints_resolve(&rules, host, before, ret);
	if (err) {
		log_error("out of memory");
		return err;
	}
	if (!before)
		err = check_externals(ret);
	if (!err)
		err = try_listeners(trial, false);
	if (!err)
		err = try_listeners(trial, true);
	if (!err)
		err = try_relays(trial);
	if (err)
		endpoints_free(ret);
	return err;
}

int serve_addresses_find(const struct serve_config *config, const struct host_addresses *host,
			 bool in_use, struct endpoints *ret)
{
	struct trial trial = { config, NULL, ret, in_use };

	return find(&trial, host);
}

static void log_listeners(const char *what, const char *end, const struct turnpike_addr *list,
			  size_t n, const struct turnpike_addr *others, size_t n_others)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		if (!addr_list_has(others, n_others, &list[i]))
			log_at(LOG_INFO, "%s %s%s", what, addr_format(&list[i], text), end);
	}
}

static void log_notes(const struct endpoints *before, const struct endpoints *now)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < now->n_notes; i++) {
		const struct endpoint_note *note = &now->notes[i];
		const bool missing = endpoint_is_missing(note->why);

		if (has_note(before, note))
			continue;
		log_at(missing ? LOG_WARNING : LOG_INFO, "%s %s%s%s: %s",
		       missing ? "not serving" : "leaving out", endpoint_format(&note->addr, text),
		       note->dev[0] ? " on " : "", note->dev, endpoint_why_text(note->why));
	}
}

static void log_changes(const struct endpoints *before, const struct endpoints *now)
{
	static const char tls[] = " (TLS, DTLS)";

	log_listeners("no longer listening on", "", before->plain, before->n_plain, now->plain,
		      now->n_plain);
	log_listeners("no longer listening on", tls, before->secure, before->n_secure, now->secure,
		      now->n_secure);
	log_listeners("listening on", "", now->plain, now->n_plain, before->plain, before->n_plain);
	log_listeners("listening on", tls, now->secure, now->n_secure, before->secure,
		      before->n_secure);
	log_notes(before, now);
}

static bool has_unbound(const struct endpoints *endpoints)
{
	for (size_t i = 0; i < endpoints->n_notes; i++) {
		if (endpoints->notes[i].why == ENDPOINT_UNBOUND)
			return true;
	}
	return false;
}

static void update(struct serve_addresses *addresses)
{
	static const struct timeval later = { .tv_sec = RETRY_SECONDS };
	struct endpoints now;
	struct trial trial = { addresses->config, &addresses->endpoints, &now, false };

	if (find(&trial, host_monitor_addresses(addresses->monitor)))
		return;
	log_changes(&addresses->endpoints, &now);
	endpoints_free(&addresses->endpoints);
	addresses->endpoints = now;
	if (has_unbound(&now))
		event_add(addresses->retry, &later);
	addresses->changed(addresses->arg);
}

static void on_change(void *arg, const struct host_addresses *now)
{
	(void)now;
	update(arg);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	update(arg);
}

static int open_monitor(struct serve_addresses *addresses, struct event_base *base)
{
	int err = -ENOMEM;

	addresses->retry = evtimer_new(base, on_retry, addresses);
	if (addresses->retry)
		err = host_monitor_open(base, on_change, addresses, &addresses->monitor);
	if (err)
		log_error("cannot list the addresses of this host: %s", strerror(-err));
	return err;
}

int serve_addresses_open(struct event_base *base, const struct serve_config *config,
			 void (*changed)(void *arg), void *arg, struct serve_addresses **ret)
{
	struct serve_addresses *addresses = calloc(1, sizeof(*addresses));
	int err;

	if (!addresses) {
		log_error("out of memory");
		return -ENOMEM;
	}
	addresses->config = config;
	addresses->changed = changed;
	addresses->arg = arg;
	err = open_monitor(addresses, base);
	if (!err)
		err = serve_addresses_find(config, serve_addresses_host(addresses), false,
					   &addresses->endpoints);
	if (err) {
		serve_addresses_close(addresses);
		return err;
	}
	log_notes(NULL, &addresses->endpoints);
	*ret = addresses;
	return 0;
}

const struct endpoints *serve_addresses_endpoints(const struct serve_addresses *addresses)
{
	return &addresses->endpoints;
}

const struct host_addresses *serve_addresses_host(const struct serve_addresses *addresses)
{
	return host_monitor_addresses(addresses->monitor);
}

void serve_addresses_close(struct serve_addresses *addresses)
{
	if (!addresses)
		return;
	host_monitor_close(addresses->monitor);
	if (addresses->retry)
		event_free(addresses->retry);
	endpoints_free(&addresses->endpoints);
	free(addresses);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "config/reload.h"
#include "base/log.h"

/**
 * struct field - what an option, or several with one name, has set
 * @option:  its name
 * @parts:   what is to be done if it differs, enum reload_part; 0: restart
 * @offset, @size: all that belongs to it in struct serve_config
 * @item:    of an array: the size of an item,
 * @key:     and how many bytes at its beginning are what is compared
 * @differs: whether it is something else in another config
 */
struct field {
	const char *option;
	unsigned int parts;
	size_t offset;
	size_t size;
	size_t item;
	size_t key;
	bool (*differs)(const struct field *field, const void *a, const void *b);
};

/** struct array - all arrays of struct serve_config: where they are, and how long */
struct array {
	const void *items;
	size_t n;
};

static bool bytes_differ(const struct field *field, const void *a, const void *b)
{
	return memcmp(a, b, field->size) != 0;
}

static bool texts_are_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool texts_differ(const struct field *field, const void *a, const void *b)
{
	(void)field;
	return !texts_are_equal(*(char *const *)a, *(char *const *)b);
}

static bool has(const struct array *array, const struct field *field, const char *item)
{
	const char *items = array->items;

	for (size_t i = 0; i < array->n; i++) {
		if (memcmp(items + i * field->item, item, field->key) == 0)
			return true;
	}
	return false;
}

/* No item is there twice, and their order means nothing. */
static bool sets_differ(const struct field *field, const void *a, const void *b)
{
	const struct array *x = a, *y = b;
	const char *items = x->items;

	if (x->n != y->n)
		return true;
	for (size_t i = 0; i < x->n; i++) {
		if (!has(y, field, items + i * field->item))
			return true;
	}
	return false;
}

static bool users_differ(const struct field *field, const void *a, const void *b)
{
	const struct array *x = a, *y = b;
	const struct serve_user *u = x->items, *v = y->items;

	(void)field;
	if (x->n != y->n)
		return true;
	for (size_t i = 0; i < x->n; i++) {
		if (strcmp(u[i].name, v[i].name) != 0 || u[i].key_len != v[i].key_len ||
		    !texts_are_equal(u[i].password, v[i].password))
			return true;
		if (u[i].key_len > 0 && memcmp(u[i].key, v[i].key, u[i].key_len) != 0)
			return true;
	}
	return false;
}

static bool secrets_differ(const struct field *field, const void *a, const void *b)
{
	const struct array *x = a, *y = b;
	char *const *s = x->items, *const *t = y->items;

	(void)field;
	if (x->n != y->n)
		return true;
	for (size_t i = 0; i < x->n; i++) {
		if (strcmp(s[i], t[i]) != 0)
			return true;
	}
	return false;
}

#define MEMBER(NAME) .offset = offsetof(struct serve_config, NAME)
#define SIZE(NAME)   sizeof(((struct serve_config *)0)->NAME)
#define VALUE(NAME)  MEMBER(NAME), .size = SIZE(NAME), .differs = bytes_differ
#define TEXT(NAME)   MEMBER(NAME), .size = SIZE(NAME), .differs = texts_differ
#define ARRAY(NAME)  MEMBER(NAME), .size = sizeof(struct array)
#define SET(NAME)                                                       \
	ARRAY(NAME), .item = sizeof(*((struct serve_config *)0)->NAME), \
		     .key = sizeof(*((struct serve_config *)0)->NAME), .differs = sets_differ

static const struct field fields[] = {
	{ "user", RELOAD_CREDENTIALS, ARRAY(users), .differs = users_differ },
	{ "auth-secret", RELOAD_CREDENTIALS, ARRAY(secrets), .differs = secrets_differ },
	{ "user-quota", RELOAD_SERVER, VALUE(user_quota) },
	{ "max-allocations", RELOAD_SERVER, VALUE(max_allocations) },
	{ "max-permissions", RELOAD_SERVER, VALUE(max_permissions) },
	{ "max-channels", RELOAD_SERVER, VALUE(max_channels) },
	{ "max-lifetime", RELOAD_SERVER, VALUE(max_lifetime) },
	{ "nonce-lifetime", RELOAD_SERVER, VALUE(nonce_lifetime) },
	{ "unauthenticated-rate", RELOAD_SERVER, VALUE(unauthenticated_rate) },
	{ "allow-peer", RELOAD_SERVER, SET(allow) },
	{ "deny-peer", RELOAD_SERVER, SET(deny) },
	{ "alternate-server", RELOAD_SERVER, SET(alternates) },
	{ "max-rate", RELOAD_RATES, VALUE(max_rate) },
	{ "user-rate", RELOAD_RATES, VALUE(user_rate) },
	{ "total-rate", RELOAD_RATES, VALUE(total_rate) },
	{ "log-level", RELOAD_LOG, VALUE(log_level) },
	{ "log-json", RELOAD_LOG, VALUE(log_json) },
	{ "log-addresses", RELOAD_LOG, VALUE(log_addresses) },
	{ "drain-time", RELOAD_DRAIN, VALUE(drain_time) },
	{ "listen", 0, SET(listen) },
	{ "listen-tls", 0, SET(listen_tls) },
	{ "transports", 0, VALUE(transports) },
	/* Other files. What is in them is read anew in any case. */
	{ "cert", 0, TEXT(cert) },
	{ "key", 0, TEXT(key) },
	/* Public addresses are compared as what --external-ip says. */
	{ "relay-address", 0, ARRAY(relays), .item = sizeof(struct turn_relay_address),
	  .key = sizeof(struct turnpike_addr), .differs = sets_differ },
	{ "external-ip", 0, SET(externals) },
	{ "relay-ports", 0, VALUE(port_lo) },
	{ "relay-ports", 0, VALUE(port_hi) },
	{ "realm", 0, TEXT(realm) },
	{ "dev", 0, SET(devices) },
	{ "mode", 0, VALUE(mode) },
	{ "moves", 0, VALUE(moves) },
	{ "tc-hook", 0, VALUE(hook) },
	{ "max-flows", 0, VALUE(datapath.max_flows) },
	{ "demote-percent", 0, VALUE(datapath.demote_percent) },
	{ "backoff", 0, VALUE(datapath.backoff_first_ms) },
	{ "backoff", 0, VALUE(datapath.backoff_longest_ms) },
	{ "workers", 0, VALUE(n_workers) },
	{ "run-as", 0, TEXT(run_as) },
	{ "control", 0, TEXT(control) },
};

#define N_FIELDS (sizeof(fields) / sizeof(*fields))

_Static_assert(N_FIELDS <= RELOAD_RESTARTS_MAX, "struct reload has room for every option");

static void add_restart(struct reload *reload, const char *option)
{
	const size_t n = reload->n_restarts;

	if (n > 0 && strcmp(reload->restarts[n - 1], option) == 0)
		return;
	reload->restarts[reload->n_restarts++] = option;
}

void reload_compare(const struct serve_config *before, const struct serve_config *after,
		    struct reload *reload)
{
	*reload = (struct reload){ 0 };
	for (const struct field *field = fields; field < fields + N_FIELDS; field++) {
		if (!field->differs(field, (const char *)before + field->offset,
				    (const char *)after + field->offset))
			continue;
		reload->parts |= field->parts;
		if (!field->parts)
			add_restart(reload, field->option);
	}
}

void reload_warn(const struct reload *reload)
{
	for (size_t i = 0; i < reload->n_restarts; i++)
		log_at(LOG_WARNING, "%s has changed, which takes effect with a restart only",
		       reload->restarts[i]);
}

struct serve_config reload_view(const struct serve_config *before, const struct serve_config *after)
{
	struct serve_config view = *before;

	for (const struct field *field = fields; field < fields + N_FIELDS; field++) {
		if (field->parts)
			memcpy((char *)&view + field->offset, (const char *)after + field->offset,
			       field->size);
	}
	return view;
}

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

void reload_adopt(struct serve_config *before, struct serve_config *after)
{
	for (const struct field *field = fields; field < fields + N_FIELDS; field++) {
		if (field->parts)
			swap((char *)before + field->offset, (char *)after + field->offset,
			     field->size);
	}
	serve_config_free(after);
}

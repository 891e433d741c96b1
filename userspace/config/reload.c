/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "base/log.h"
#include "config/reload.h"
#include "private/array_len.h"

/**
 * struct field - a member of struct serve_config that an option sets
 * @option:  name of the option; it may have several fields
 * @parts:   enum reload_part; 0: a change requires a restart
 * @offset, @size: of the member
 * @item:    size of an item of an array
 * @key:     leading bytes of an item that are compared
 * @differs: compares the member in two configurations
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

/** struct array - layout of all arrays in struct serve_config */
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

/* Items are distinct, and their order is irrelevant. */
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

/* Here the order matters. */
static bool lists_differ(const struct field *field, const void *a, const void *b)
{
	const struct array *x = a, *y = b;

	return x->n != y->n || (x->n > 0 && memcmp(x->items, y->items, x->n * field->item) != 0);
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

/* Options that a setter stores. Numbers and switches are described by serve_options. */
static const struct field fields[] = {
	{ "user", RELOAD_CREDENTIALS, ARRAY(users), .differs = users_differ },
	{ "auth-secret", RELOAD_CREDENTIALS, ARRAY(secrets), .differs = secrets_differ },
	{ "allow-peer", RELOAD_SERVER, SET(allow) },
	{ "deny-peer", RELOAD_SERVER, SET(deny) },
	{ "deny-peer", RELOAD_SERVER, VALUE(private_peers) },
	{ "deny-client", RELOAD_CLIENTS, SET(denied_clients) },
	{ "translated-prefix", RELOAD_SERVER, SET(translated) },
	{ "alternate-server", RELOAD_SERVER, SET(alternates) },
	{ "log-level", RELOAD_LOG, VALUE(log_level) },
	{ "listen", 0, SET(listen) },
	{ "listen-tls", 0, SET(listen_tls) },
	{ "transports", 0, VALUE(transports) },
	/* The names of the files; their contents are read again in any case. */
	{ "cert", 0, TEXT(cert) },
	{ "key", 0, TEXT(key) },
	{ "relay-address", 0, SET(relays) },
	{ "external-ip", 0, SET(externals) },
	{ "relay-ports", 0, VALUE(port_lo) },
	{ "relay-ports", 0, VALUE(port_hi) },
	{ "realm", 0, TEXT(realm) },
	{ "dev", 0, SET(devices) },
	{ "mode", 0, VALUE(mode) },
	{ "moves", 0, VALUE(moves) },
	{ "tc-hook", 0, VALUE(hook) },
	{ "confirm", 0, VALUE(datapath.confirm_ms) },
	{ "backoff", 0, VALUE(datapath.backoff_first_ms) },
	{ "backoff", 0, VALUE(datapath.backoff_longest_ms) },
	{ "worker-cpus", 0, ARRAY(worker_cpus), .item = sizeof(uint32_t), .differs = lists_differ },
	{ "run-as", 0, TEXT(run_as) },
	{ "control", 0, TEXT(control) },
	{ "helper", 0, TEXT(helper) },
	{ "control-group", 0, TEXT(control_group) },
	{ "metrics-listen", 0, VALUE(metrics_listen) },
};

#define N_FIELDS ARRAY_LEN(fields)

/* A number or a switch, which the table of options describes; not --check-config. */
static bool is_plain(const struct cli_option *option)
{
	return !option->set && !option->read && !(option->flags & CLI_NO_KEY);
}

static struct field field_of(const struct cli_option *option)
{
	return (struct field){
		.option = option->name,
		.parts = option->reload,
		.offset = option->field,
		.size = option->value ? sizeof(uint32_t) : sizeof(bool),
		.differs = bytes_differ,
	};
}

typedef void field_fn(const struct field *field, void *arg);

static void for_each_field(field_fn *fn, void *arg)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		fn(&fields[i], arg);
	for (const struct cli_option *option = serve_options; option->name; option++) {
		const struct field field = field_of(option);

		if (is_plain(option))
			fn(&field, arg);
	}
}

/** struct pair - the two configurations, and the result of comparing them */
struct pair {
	char *before;
	char *after;
	struct reload *reload;
};

static void add_restart(struct reload *reload, const char *option)
{
	const size_t n = reload->n_restarts;

	if (n > 0 && strcmp(reload->restarts[n - 1], option) == 0)
		return;
	if (n < RELOAD_RESTARTS_MAX)
		reload->restarts[reload->n_restarts++] = option;
}

static void compare_field(const struct field *field, void *arg)
{
	const struct pair *pair = arg;

	if (!field->differs(field, pair->before + field->offset, pair->after + field->offset))
		return;
	pair->reload->parts |= field->parts;
	if (!field->parts)
		add_restart(pair->reload, field->option);
}

void reload_compare(const struct serve_config *before, const struct serve_config *after,
		    struct reload *reload)
{
	struct pair pair = { (char *)before, (char *)after, reload };

	*reload = (struct reload){ 0 };
	for_each_field(compare_field, &pair);
}

void reload_warn(const struct reload *reload)
{
	for (size_t i = 0; i < reload->n_restarts; i++)
		log_at(LOG_WARNING, "%s has changed: restart the server to apply the new value",
		       reload->restarts[i]);
}

static void copy_field(const struct field *field, void *arg)
{
	const struct pair *pair = arg;

	if (field->parts)
		memcpy(pair->before + field->offset, pair->after + field->offset, field->size);
}

struct serve_config reload_view(const struct serve_config *before, const struct serve_config *after)
{
	struct serve_config view = *before;
	struct pair pair = { (char *)&view, (char *)after, NULL };

	for_each_field(copy_field, &pair);
	return view;
}

static void swap_field(const struct field *field, void *arg)
{
	const struct pair *pair = arg;
	char *a = pair->before + field->offset, *b = pair->after + field->offset;

	for (size_t i = 0; field->parts && i < field->size; i++) {
		const char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

void reload_adopt(struct serve_config *before, struct serve_config *after)
{
	struct pair pair = { (char *)before, (char *)after, NULL };

	for_each_field(swap_field, &pair);
	serve_config_free(after);
}

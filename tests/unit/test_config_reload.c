/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Differences between two configurations, and which of them take effect without a restart. */
#include <stdlib.h>

#include "config/reload.h"
#include "config_fixture.h"
#include "private/array_len.h"

/* Every option, so that each change replaces or removes one of these lines. */
static const char *const lines[] = {
	"listen = 192.0.2.1",
	"listen = 192.0.2.2",
	"listen-tls = 192.0.2.1",
	"transports = udp,tls",
	"cert = a",
	"key = b",
	"relay-address = 192.0.2.1",
	"relay-address = 192.0.2.2",
	"relay-ports = 50000-50010",
	"external-ip = 203.0.113.1/192.0.2.1",
	"realm = example.org",
	"user = alice:a",
	"user = bob:b",
	"user = carol:0xbc807ee29df3c9ffa736523fb2c4e8ee",
	"auth-secret = north",
	"user-quota = 1",
	"user-allocations = 1",
	"user-flows = 1",
	"user-next-hops = 1",
	"user-neighbours = 1",
	"max-allocations = 1",
	"max-connections = 1",
	"max-permissions = 1",
	"max-channels = 1",
	"max-lifetime = 601",
	"nonce-lifetime = 1",
	"unauthenticated-rate = 1",
	"guess-rate = 1",
	"max-rate = 1",
	"user-rate = 1",
	"user-packet-rate = 1",
	"total-rate = 1",
	"allow-peer = 10.0.0.0/8",
	"deny-peer = 10.0.0.0/8",
	"deny-peer = private",
	"deny-client = 192.0.2.0/24",
	"keep-removed-users = yes",
	"translated-prefix = 2001:db8:64::/96",
	"alternate-server = 192.0.2.9",
	"dev = eth0",
	"mode = tc",
	"moves = head",
	"tc-hook = tcx",
	"xdp-dispatcher = yes",
	"max-flows = 2",
	"demote-percent = 2",
	"backoff = 1-2",
	"confirm = 5",
	"workers = 1001",
	"worker-cpus = 0",
	"drain-time = 1",
	"run-as = nobody",
	"control-group = staff",
	"metrics-listen = 127.0.0.1",
	"metrics-coturn-names = yes",
	"log-level = debug",
	"log-json = yes",
	"log-addresses = yes",
	"accounting-interval = 1",
	"control = /run/x",
};

#define N_LINES ARRAY_LEN(lines)

/** struct change - replaces the line @from by @to (NULL: removes it), which changes @parts */
struct change {
	const char *from;
	const char *to;
	unsigned int parts;
};

static const struct change live[] = {
	{ "user = alice:a", "user = alice:b", RELOAD_CREDENTIALS },
	{ "user = alice:a", "user = carol:a", RELOAD_CREDENTIALS },
	{ "user = alice:a", "user = alice:0xbc807ee29df3c9ffa736523fb2c4e8ee", RELOAD_CREDENTIALS },
	{ "user = carol:0xbc807ee29df3c9ffa736523fb2c4e8ee",
	  "user = carol:0xbc807ee29df3c9ffa736523fb2c4e8ef", RELOAD_CREDENTIALS },
	{ "user = bob:b", NULL, RELOAD_CREDENTIALS },
	{ "auth-secret = north", "auth-secret = south", RELOAD_CREDENTIALS },
	{ "auth-secret = north", NULL, RELOAD_CREDENTIALS },
	{ "user-quota = 1", "user-quota = 2", RELOAD_SERVER },
	{ "user-allocations = 1", "user-allocations = 2", RELOAD_SERVER },
	{ "user-flows = 1", "user-flows = 2", RELOAD_SERVER },
	{ "user-next-hops = 1", NULL, RELOAD_SERVER },
	{ "user-neighbours = 1", "user-neighbours = 0", RELOAD_SERVER },
	{ "max-allocations = 1", "max-allocations = 2", RELOAD_SERVER },
	{ "max-connections = 1", NULL, RELOAD_SERVER },
	{ "max-permissions = 1", "max-permissions = 2", RELOAD_SERVER },
	{ "max-channels = 1", "max-channels = 2", RELOAD_SERVER },
	{ "max-lifetime = 601", "max-lifetime = 602", RELOAD_SERVER },
	{ "nonce-lifetime = 1", NULL, RELOAD_SERVER },
	{ "unauthenticated-rate = 1", NULL, RELOAD_SERVER },
	{ "guess-rate = 1", "guess-rate = 2", RELOAD_SERVER },
	{ "allow-peer = 10.0.0.0/8", "allow-peer = 10.0.0.0/9", RELOAD_SERVER },
	{ "deny-peer = 10.0.0.0/8", NULL, RELOAD_SERVER },
	{ "deny-peer = private", NULL, RELOAD_SERVER },
	{ "deny-peer = private", "allow-peer = private", RELOAD_SERVER },
	{ "deny-client = 192.0.2.0/24", "deny-client = 192.0.2.0/25", RELOAD_CLIENTS },
	{ "keep-removed-users = yes", NULL, RELOAD_CREDENTIALS },
	{ "translated-prefix = 2001:db8:64::/96", "translated-prefix = 2001:db8:64::/64",
	  RELOAD_SERVER },
	{ "alternate-server = 192.0.2.9", "alternate-server = 192.0.2.9:1", RELOAD_SERVER },
	{ "max-rate = 1", "max-rate = 2", RELOAD_RATES },
	{ "user-rate = 1", "user-rate = 2", RELOAD_RATES },
	{ "user-packet-rate = 1", "user-packet-rate = 2", RELOAD_RATES },
	{ "total-rate = 1", "total-rate = 2", RELOAD_RATES },
	{ "log-level = debug", "log-level = info", RELOAD_LOG },
	{ "log-json = yes", "log-json = no", RELOAD_LOG },
	{ "log-addresses = yes", NULL, RELOAD_LOG },
	{ "accounting-interval = 1", "accounting-interval = 2", RELOAD_LOG },
	{ "drain-time = 1", NULL, RELOAD_DRAIN },
};

/* The first word is the option that needs a restart. */
static const struct change restarts[] = {
	{ "listen = 192.0.2.1", "listen = 192.0.2.3", 0 },
	{ "listen = 192.0.2.1", NULL, 0 },
	{ "listen-tls = 192.0.2.1", "listen-tls = 192.0.2.1:443", 0 },
	{ "transports = udp,tls", "transports = udp", 0 },
	{ "cert = a", "cert = c", 0 },
	{ "key = b", NULL, 0 },
	{ "relay-address = 192.0.2.1", "relay-address = 192.0.2.3", 0 },
	{ "relay-ports = 50000-50010", "relay-ports = 50001-50010", 0 },
	{ "relay-ports = 50000-50010", "relay-ports = 50001-50011", 0 },
	{ "external-ip = 203.0.113.1/192.0.2.1", "external-ip = 203.0.113.2/192.0.2.1", 0 },
	{ "realm = example.org", "realm = example.com", 0 },
	{ "dev = eth0", "dev = eth0=tc", 0 },
	{ "mode = tc", "mode = userspace", 0 },
	{ "moves = head", NULL, 0 },
	{ "tc-hook = tcx", NULL, 0 },
	{ "xdp-dispatcher = yes", NULL, 0 },
	{ "max-flows = 2", "max-flows = 3", 0 },
	{ "demote-percent = 2", NULL, 0 },
	{ "confirm = 5", "confirm = 6", 0 },
	{ "confirm = 5", "confirm = off", 0 },
	{ "backoff = 1-2", "backoff = 2-2", 0 },
	{ "backoff = 1-2", "backoff = 1-3", 0 },
	{ "workers = 1001", "workers = 1002", 0 },
	{ "worker-cpus = 0", NULL, 0 },
	{ "run-as = nobody", NULL, 0 },
	{ "control-group = staff", "control-group = operators", 0 },
	{ "metrics-listen = 127.0.0.1", "metrics-listen = 127.0.0.1:9642", 0 },
	{ "metrics-listen = 127.0.0.1", NULL, 0 },
	{ "metrics-coturn-names = yes", "metrics-coturn-names = no", 0 },
	{ "control = /run/x", "control = /run/y", 0 },
};

static void read_lines(const struct change *change, struct serve_config *config)
{
	char text[4096] = "";

	for (size_t i = 0; i < N_LINES; i++) {
		const char *line = lines[i];

		if (change && strcmp(line, change->from) == 0)
			line = change->to;
		if (line)
			strcat(strcat(text, line), "\n");
	}
	assert_int_equal(parse_text(text, config), CLI_OK);
}

static void compare(const struct change *change, struct serve_config *before,
		    struct serve_config *after, struct reload *reload)
{
	read_lines(NULL, before);
	read_lines(change, after);
	reload_compare(before, after, reload);
}

static void test_nothing(void **state)
{
	struct serve_config before, after;
	struct reload reload;

	(void)state;
	compare(NULL, &before, &after, &reload);
	assert_int_equal(reload.parts, 0);
	assert_int_equal(reload.n_restarts, 0);
	log_clear();
	reload_warn(&reload);
	assert_string_equal(log_lines(), "");
	serve_config_free(&before);
	serve_config_free(&after);
}

static void test_live(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(live); i++) {
		struct serve_config before, after;
		struct reload reload;

		compare(&live[i], &before, &after, &reload);
		assert_int_equal(reload.parts, live[i].parts);
		assert_int_equal(reload.n_restarts, 0);

		/* After that, the configurations are equal. */
		reload_adopt(&before, &after);
		read_lines(&live[i], &after);
		reload_compare(&before, &after, &reload);
		assert_int_equal(reload.parts, 0);
		serve_config_free(&before);
		serve_config_free(&after);
	}
}

static void test_restart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(restarts); i++) {
		const char *from = restarts[i].from;
		const size_t name_len = strcspn(from, " ");
		struct serve_config before, after;
		struct reload reload;

		compare(&restarts[i], &before, &after, &reload);
		assert_int_equal(reload.parts, 0);
		assert_int_equal(reload.n_restarts, 1);
		assert_int_equal(strlen(reload.restarts[0]), name_len);
		assert_memory_equal(reload.restarts[0], from, name_len);
		log_clear();
		reload_warn(&reload);
		assert_logged("warning: ");
		assert_logged(reload.restarts[0]);

		/* It still needs a restart, so the next reload warns again. */
		reload_adopt(&before, &after);
		read_lines(&restarts[i], &after);
		reload_compare(&before, &after, &reload);
		assert_int_equal(reload.n_restarts, 1);
		serve_config_free(&before);
		serve_config_free(&after);
	}
}

/* The order of repeated options does not matter. */
static void test_order(void **state)
{
	struct serve_config before, after;
	struct reload reload;

	(void)state;
	assert_int_equal(parse_text("listen = 192.0.2.1\nlisten = 192.0.2.2\n"
				    "deny-peer = 10.0.0.0/8\ndeny-peer = 10.0.0.1\n",
				    &before),
			 CLI_OK);
	assert_int_equal(parse_text("listen = 192.0.2.2\nlisten = 192.0.2.1\n"
				    "deny-peer = 10.0.0.1\ndeny-peer = 10.0.0.0/8\n",
				    &after),
			 CLI_OK);
	reload_compare(&before, &after, &reload);
	assert_int_equal(reload.parts, 0);
	assert_int_equal(reload.n_restarts, 0);
	serve_config_free(&before);
	serve_config_free(&after);
}

/* A new external address is reported as such, not as a new relay address that contains it. */
static void test_external(void **state)
{
	struct serve_config before, after;
	struct reload reload;

	(void)state;
	assert_int_equal(parse("turnpike --listen 192.0.2.1 --external-ip 203.0.113.1", &before),
			 CLI_OK);
	assert_int_equal(parse("turnpike --listen 192.0.2.1 --external-ip 203.0.113.2", &after),
			 CLI_OK);
	reload_compare(&before, &after, &reload);
	assert_int_equal(reload.n_restarts, 1);
	assert_string_equal(reload.restarts[0], "external-ip");
	serve_config_free(&before);
	serve_config_free(&after);
}

/* If everything changes, every option is reported once. */
static void test_everything(void **state)
{
	const unsigned int all = RELOAD_CREDENTIALS | RELOAD_SERVER | RELOAD_RATES | RELOAD_LOG |
				 RELOAD_DRAIN | RELOAD_CLIENTS;
	struct serve_config before, after;
	struct reload reload;

	(void)state;
	read_lines(NULL, &before);
	assert_int_equal(parse_text("", &after), CLI_OK);
	free(after.realm);
	after.realm = NULL;
	reload_compare(&before, &after, &reload);
	assert_int_equal(reload.parts, all);
	for (size_t i = 0; i < reload.n_restarts; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(reload.restarts[i], reload.restarts[j]);
	}
	/* All options without .reload. */
	assert_int_equal(reload.n_restarts, 25);
	serve_config_free(&before);
	serve_config_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),  cmocka_unit_test(test_live),
		cmocka_unit_test(test_restart),  cmocka_unit_test(test_order),
		cmocka_unit_test(test_external), cmocka_unit_test(test_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

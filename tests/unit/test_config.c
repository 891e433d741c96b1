/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The options of `turnpike serve` on the command line, in files and in the environment. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/config_file.h"
#include "config/help.h"
#include "config/suggest.h"
#include "config_fixture.h"
#include "private/array_len.h"

#define MD5_KEY    "0xbc807ee29df3c9ffa736523fb2c4e8ee"
#define SHA256_KEY MD5_KEY "BC807EE29DF3C9FFA736523FB2C4E8EE"

/* One of the keys above; the halves of the longer one are equal. */
static void assert_key(const struct serve_user *user, size_t len)
{
	static const uint8_t half[] = { 0xbc, 0x80, 0x7e, 0xe2, 0x9d, 0xf3, 0xc9, 0xff,
					0xa7, 0x36, 0x52, 0x3f, 0xb2, 0xc4, 0xe8, 0xee };

	assert_null(user->password);
	assert_int_equal(user->key_len, len);
	for (size_t i = 0; i < len; i += sizeof(half))
		assert_memory_equal(user->key + i, half, sizeof(half));
}

static void test_defaults(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse("turnpike --listen 192.0.2.1", &config), CLI_OK);
	assert_string_equal(log_lines(), "");
	assert_int_equal(config.n_listen, 1);
	assert_addr(config.listen[0].addr, "192.0.2.1:3478");
	assert_int_equal(config.n_relays, 0);
	assert_int_equal(config.transports, 15);
	assert_int_equal(config.port_lo, 49152);
	assert_int_equal(config.port_hi, 65535);
	assert_int_equal(config.user_quota, 256);
	assert_int_equal(config.user_allocations, 240);
	assert_int_equal(config.unauthenticated_rate, 100);
	assert_int_equal(config.guess_rate, 10);
	assert_string_equal(config.realm, "turnpike");
	serve_config_free(&config);
}

static void test_every_value(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse_text("listen = 192.0.2.1\n"
				    "listen-tls = [2001:db8::1]\n"
				    "transports = dtls,udp\n"
				    "relay-address = 192.0.2.3\n"
				    "relay-ports = 50000-50010\n"
				    "external-ip = 203.0.113.1/192.0.2.3\n"
				    "realm = example.org\n"
				    "user = alice:secret:more\n"
				    "user = bob:" MD5_KEY "\n"
				    "user = carol:" SHA256_KEY "\n"
				    "auth-secret = north\n"
				    "auth-secret = \" south \"\n"
				    "user-quota = 0\n"
				    "user-allocations = 30\n"
				    "user-flows = 0\n"
				    "user-next-hops = 100\n"
				    "user-neighbours = 5\n"
				    "max-allocations = 1\n"
				    "max-connections = 9\n"
				    "max-permissions = 2\n"
				    "max-channels = 3\n"
				    "max-lifetime = 601\n"
				    "nonce-lifetime = 4\n"
				    "unauthenticated-rate = 5\n"
				    "guess-rate = 6\n"
				    "max-rate = 6\n"
				    "user-rate = 7\n"
				    "user-packet-rate = 8\n"
				    "total-rate = 4294967295\n"
				    "allow-peer = 10.0.0.0/8\n"
				    "deny-peer = 2001:db8::/32\n"
				    "allow-peer = private\n"
				    "deny-client = 192.0.2.0/24\n"
				    "keep-removed-users = yes\n"
				    "translated-prefix = 2001:db8:64::/96\n"
				    "alternate-server = 192.0.2.9\n"
				    "dev = eth0=tc\n"
				    "mode = userspace\n"
				    "max-flows = 8\n"
				    "workers = 9\n"
				    "worker-cpus = 0\n"
				    "drain-time = 0\n"
				    "run-as = nobody:nogroup\n"
				    "control-group = operators\n"
				    "metrics-listen = [::1]\n"
				    "metrics-coturn-names = yes\n"
				    "log-level = warning\n"
				    "log-json = yes\n"
				    "log-addresses = no\n"
				    "accounting-interval = 300\n"
				    "cert = a.pem\n"
				    "key = b.pem\n"
				    "control = /run/x\n",
				    &config),
			 CLI_OK);
	assert_string_equal(log_lines(), "");
	assert_addr(config.listen[0].addr, "192.0.2.1:3478");
	assert_addr(config.listen_tls[0].addr, "[2001:db8::1]:5349");
	assert_int_equal(config.transports, 1 << TURN_DTLS | 1 << TURN_UDP);
	assert_addr(config.relays[0].addr, "192.0.2.3");
	assert_int_equal(config.port_lo, 50000);
	assert_int_equal(config.port_hi, 50010);
	assert_addr(config.externals[0].external, "203.0.113.1");
	assert_addr(config.externals[0].addr, "192.0.2.3");
	assert_string_equal(config.realm, "example.org");
	assert_int_equal(config.n_users, 3);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].password, "secret:more");
	assert_null(config.users[0].key);
	assert_key(&config.users[1], 16);
	assert_key(&config.users[2], 32);
	assert_int_equal(config.n_secrets, 2);
	assert_string_equal(config.secrets[0], "north");
	assert_string_equal(config.secrets[1], " south ");
	assert_int_equal(config.user_quota, 0);
	assert_int_equal(config.user_allocations, 30);
	assert_int_equal(config.user_flows, 0);
	assert_int_equal(config.user_next_hops, 100);
	assert_int_equal(config.user_neighbours, 5);
	assert_int_equal(config.max_allocations, 1);
	assert_int_equal(config.max_connections, 9);
	assert_int_equal(config.max_permissions, 2);
	assert_int_equal(config.max_channels, 3);
	assert_int_equal(config.max_lifetime, 601);
	assert_int_equal(config.nonce_lifetime, 4);
	assert_int_equal(config.unauthenticated_rate, 5);
	assert_int_equal(config.guess_rate, 6);
	assert_int_equal(config.max_rate, 6);
	assert_int_equal(config.user_rate, 7);
	assert_int_equal(config.user_packet_rate, 8);
	assert_int_equal(config.total_rate, UINT32_MAX);
	assert_addr(config.allow[0].addr, "10.0.0.0");
	assert_int_equal(config.allow[0].prefix, 8);
	assert_addr(config.deny[0].addr, "2001:db8::");
	assert_int_equal(config.n_deny, 1);
	assert_int_equal(config.private_peers, TURN_PRIVATE_ALLOWED);
	assert_addr(config.denied_clients[0].addr, "192.0.2.0");
	assert_int_equal(config.denied_clients[0].prefix, 24);
	assert_true(config.keep_removed_users);
	assert_addr(config.translated[0].addr, "2001:db8:64::");
	assert_int_equal(config.translated[0].prefix, 96);
	assert_addr(config.alternates[0], "192.0.2.9:3478");
	assert_string_equal(config.devices[0].name, "eth0");
	assert_int_equal(config.devices[0].mode, TURNPIKE_MODE_TC);
	assert_int_equal(config.mode, TURNPIKE_MODE_USERSPACE);
	assert_int_equal(config.datapath.max_flows, 8);
	assert_int_equal(config.n_workers, 9);
	assert_int_equal(config.n_worker_cpus, 1);
	assert_int_equal(config.worker_cpus[0], 0);
	assert_int_equal(config.drain_time, 0);
	assert_string_equal(config.run_as, "nobody:nogroup");
	assert_string_equal(config.control_group, "operators");
	assert_addr(config.metrics_listen, "[::1]:9641");
	assert_true(config.metrics_coturn_names);
	assert_int_equal(config.accounting_interval, 300);
	assert_int_equal(config.log_level, LOG_WARNING);
	assert_true(config.log_json);
	assert_false(config.log_addresses);
	assert_string_equal(config.cert, "a.pem");
	assert_string_equal(config.key, "b.pem");
	assert_string_equal(config.control, "/run/x");
	serve_config_free(&config);
}

static void test_form_of_a_file(void **state)
{
	/* @what: the resulting realm with CLI_OK, else a part of the error. */
	static const struct {
		const char *text;
		enum cli_status status;
		const char *what;
	} rows[] = {
		{ "", CLI_OK, "turnpike" },
		{ "\n\n  \t\n# realm = x\n  # realm = y", CLI_OK, "turnpike" },
		{ "realm=a", CLI_OK, "a" },
		{ "\trealm \t=\t a b  \r\n", CLI_OK, "a b" },
		{ "realm = a # b", CLI_OK, "a # b" },
		{ "realm = \" a # \"", CLI_OK, " a # " },
		{ "realm = \"a\"b\"", CLI_OK, "a\"b" },
		{ "realm = a=b", CLI_OK, "a=b" },
		{ "realm = \"", CLI_USAGE, "text:1: the value of realm lacks its closing quote" },
		{ "\n\nrealm = \"a", CLI_USAGE,
		  "text:3: the value of realm lacks its closing quote" },
		{ "realm =", CLI_USAGE, "text:1: realm '': expected 1 to 127 bytes" },
		{ "realm = \"\"", CLI_USAGE, "text:1: realm '': expected 1 to 127 bytes" },
		{ "realm = a\nrealm = b\n", CLI_USAGE, "text:2: realm appears twice" },
		{ "log-json", CLI_USAGE, "text:1: expected 'key = value'" },
		{ "log-json = 1", CLI_USAGE, "text:1: log-json '1': expected yes or no" },
		{ "frobnicate = 1", CLI_USAGE, "text:1: unknown key 'frobnicate'" },
		{ "config = x", CLI_USAGE, "text:1: unknown key 'config'" },
		{ "coturn-config = x", CLI_USAGE, "text:1: unknown key 'coturn-config'" },
		{ "check-config = yes", CLI_USAGE, "text:1: unknown key 'check-config'" },
		{ "relam = x", CLI_USAGE, "unknown key 'relam': did you mean 'realm'?" },
		{ "user-flows = 101", CLI_USAGE,
		  "text:1: user-flows '101': expected a percentage" },
		{ "user-quota = -1", CLI_USAGE, "text:1: user-quota '-1': expected a number" },
		{ "max-lifetime = 599", CLI_USAGE, "from 600 to 86400" },
		{ "total-rate = 4294967296", CLI_USAGE, "expected a number of bytes per second" },
		{ "transports = udp,", CLI_USAGE,
		  "expected a comma-separated list of udp, tcp, tls and dtls" },
		{ "transports = udp,quic", CLI_USAGE,
		  "expected a comma-separated list of udp, tcp, tls and dtls" },
		{ "listen = :0", CLI_USAGE, "text:1: listen ':0': expected an address" },
		{ "external-ip = 192.0.2.1/::1", CLI_USAGE,
		  "a public and a private address of one family" },
		{ "translated-prefix = 64:ff9b::/95", CLI_USAGE,
		  "expected an IPv6 prefix of 32, 40" },
		{ "translated-prefix = 10.0.0.0/32", CLI_USAGE,
		  "expected an IPv6 prefix of 32, 40" },
		{ "run-as = :x", CLI_USAGE, "expected a user" },
		{ "log-level = loud", CLI_USAGE, "expected error, warning, info or debug" },
		{ "users-file = /nonexistent", CLI_USAGE, "cannot read /nonexistent" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;

		assert_int_equal(parse_text(rows[i].text, &config), rows[i].status);
		if (rows[i].status == CLI_OK)
			assert_string_equal(config.realm, rows[i].what);
		else
			assert_logged(rows[i].what);
		serve_config_free(&config);
	}
}

static void test_a_byte_of_zero(void **state)
{
	char text[] = "# a\0b\nrealm = c";
	struct serve_config config;

	(void)state;
	log_clear();
	assert_int_equal(serve_config_init(&config), 0);
	assert_int_equal(config_file_take("text", text, sizeof(text) - 1, serve_options, &config),
			 CLI_USAGE);
	assert_logged("text:1: the line contains a NUL byte");
	serve_config_free(&config);
}

/* An error in a line with a secret names the line, and nothing of its text. */
static void test_secrets_are_not_logged(void **state)
{
	static const char *const texts[] = {
		"user = sesame",
		"user = :sesame",
		"user = a:0xsesame",
		"auth-secret = \"sesame",
		"sesame",
		"user:alice:sesame = 1",
		"user",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct serve_config config;

		assert_int_equal(parse_text(texts[i], &config), CLI_USAGE);
		assert_logged("text:1: ");
		assert_not_logged("sesame");
		serve_config_free(&config);
	}
}

static void test_text_is_wiped(void **state)
{
	char text[] = "user = alice:sesame\nfrobnicate = 1\nuser = bob:sesame\n";
	static const char zero[sizeof(text)];
	struct serve_config config;

	(void)state;
	assert_int_equal(serve_config_init(&config), 0);
	assert_int_equal(config_file_take("text", text, sizeof(text) - 1, serve_options, &config),
			 CLI_USAGE);
	assert_memory_equal(text, zero, sizeof(text));
	serve_config_free(&config);
}

static void test_command_line_is_hidden(void **state)
{
	struct arguments line = arguments("turnpike --listen 192.0.2.1 --user=alice:sesame "
					  "--auth-secret sesame --realm sesames"),
			 kept = line;
	struct serve_config config, again;

	(void)state;
	log_clear();
	assert_int_equal(serve_config_parse(line.n, line.list, &config), CLI_OK);
	assert_string_equal(kept.list[3], "--user=************");
	assert_string_equal(kept.list[5], "******");
	assert_string_equal(kept.list[7], "sesames");
	assert_logged(
		"warning: other users could read the value of --user in the process list until "
		"now: use --users-file");
	assert_logged("use --auth-secret-file");
	assert_string_equal(config.users[0].password, "sesame");

	/* A reload still knows the secrets, and does not warn again. */
	log_clear();
	assert_int_equal(serve_config_reparse(&config, &again), CLI_OK);
	assert_string_equal(log_lines(), "");
	assert_string_equal(again.users[0].password, "sesame");
	assert_string_equal(again.secrets[0], "sesame");
	serve_config_free(&config);
	assert_int_equal(serve_config_reparse(&again, &config), CLI_OK);
	assert_string_equal(config.secrets[0], "sesame");
	serve_config_free(&again);
	serve_config_free(&config);
	arguments_free(&kept);
}

static void test_command_line_wins(void **state)
{
	char words[256];
	struct serve_config config;

	(void)state;
	snprintf(words, sizeof(words),
		 "turnpike --realm c --listen 192.0.2.1 --config %s --log-json --realm d",
		 file_of("realm = a\nlisten = 192.0.2.2\nlog-json = no\nlog-level = error\n"));
	assert_int_equal(parse(words, &config), CLI_OK);
	assert_string_equal(config.realm, "d");
	assert_true(config.log_json);
	assert_int_equal(config.log_level, LOG_ERROR);
	assert_int_equal(config.n_listen, 2);
	serve_config_free(&config);
}

static void test_files_of_secrets(void **state)
{
	struct serve_config config;
	char words[256];

	(void)state;
	snprintf(words, sizeof(words), "turnpike --listen 192.0.2.1 --users-file %s",
		 file_of("# users\n\n  alice:pass word  \nbob:" MD5_KEY "\n"));
	assert_int_equal(parse(words, &config), CLI_OK);
	assert_string_equal(log_lines(), "");
	assert_int_equal(config.n_users, 2);
	assert_string_equal(config.users[0].password, "pass word");
	serve_config_free(&config);

	file_of("alice:a\nsesame\n");
	assert_int_equal(parse(words, &config), CLI_USAGE);
	assert_logged(":2: expected a name and a password");
	assert_not_logged("sesame");

	snprintf(words, sizeof(words), "turnpike --listen 192.0.2.1 --auth-secret-file %s",
		 file_of("north\nsouth\n"));
	assert_int_equal(chmod(file_of("north\nsouth"), 0644), 0);
	assert_int_equal(parse(words, &config), CLI_OK);
	assert_int_equal(config.n_secrets, 2);
	assert_string_equal(config.secrets[1], "south");
	assert_logged("contains secrets and is world-readable");
	serve_config_free(&config);

	/* A configuration file causes a warning only if it contains secrets. */
	snprintf(words, sizeof(words), "turnpike --config %s", file_of("listen = 192.0.2.1\n"));
	assert_int_equal(parse(words, &config), CLI_OK);
	assert_string_equal(log_lines(), "");
	serve_config_free(&config);
	file_of("listen = 192.0.2.1\nuser = alice:a\n");
	assert_int_equal(parse(words, &config), CLI_OK);
	assert_logged("contains secrets and is world-readable");
	serve_config_free(&config);
	assert_int_equal(chmod(file_of(""), 0600), 0);
}

static void test_environment(void **state)
{
	struct serve_config config, again;
	const char *value;

	(void)state;
	setenv("TURNPIKE_USER", "alice:a\nbob:b", 1);
	value = getenv("TURNPIKE_USER");
	setenv("TURNPIKE_AUTH_SECRET", "north\n", 1);
	assert_int_equal(parse("turnpike --listen 192.0.2.1", &config), CLI_OK);
	assert_int_equal(config.n_users, 2);
	assert_string_equal(config.users[1].name, "bob");
	assert_string_equal(config.users[1].password, "b");
	assert_int_equal(config.n_secrets, 1);
	assert_string_equal(config.secrets[0], "north");
	/* The variables are wiped, and a reload still knows the secrets. */
	assert_string_equal(value, "");
	assert_string_equal(value + 6, "");
	assert_null(getenv("TURNPIKE_USER"));
	assert_null(getenv("TURNPIKE_AUTH_SECRET"));
	assert_int_equal(serve_config_reparse(&config, &again), CLI_OK);
	assert_int_equal(again.n_users, 2);
	assert_string_equal(again.users[1].password, "b");
	assert_string_equal(again.secrets[0], "north");
	serve_config_free(&again);
	serve_config_free(&config);

	setenv("TURNPIKE_USER", "alice:a\nsesame", 1);
	assert_int_equal(parse("turnpike --listen 192.0.2.1", &config), CLI_USAGE);
	assert_logged("TURNPIKE_USER:2: expected a name");
	assert_not_logged("sesame");
	unsetenv("TURNPIKE_USER");
	unsetenv("TURNPIKE_AUTH_SECRET");
}

/* Options that contradict each other. */
static void test_contradictions(void **state)
{
	static const struct {
		const char *words;
		const char *logged;
	} rows[] = {
		{ "", "no listening address" },
		{ "--listen 192.0.2.1:49152",
		  "--listen 192.0.2.1:49152 is in the relay port range" },
		{ "--listen 192.0.2.1:65535",
		  "--listen 192.0.2.1:65535 is in the relay port range" },
		{ "--listen-tls 192.0.2.1:50000 --cert /dev/null --key /dev/null",
		  "--listen-tls 192.0.2.1:50000 is in the relay port range" },
		{ "--listen-tls 192.0.2.1", "--listen-tls requires a certificate" },
		{ "--listen 192.0.2.1 --cert /dev/null", "--key is missing" },
		{ "--listen 192.0.2.1 --key /dev/null", "--cert is missing" },
		{ "--listen-tls 192.0.2.1 --cert /nonexistent --key /dev/null",
		  "--cert: cannot read /nonexistent" },
		{ "--listen 192.0.2.1 --transports tls", "--listen serves none of" },
		{ "--listen-tls 192.0.2.1 --transports udp", "--listen-tls serves none of" },
		{ "--listen 192.0.2.1:443 --listen-tls 192.0.2.1:443 --cert /dev/null --key /dev/null",
		  "192.0.2.1:443 is in both --listen and --listen-tls" },
		{ "--listen 192.0.2.1 --relay-address ::",
		  "--relay-address ::: a wildcard is not allowed" },
		{ "--listen 192.0.2.1 --external-ip 203.0.113.1/192.0.2.2",
		  "192.0.2.2 is not a relay address" },
		{ "--listen 192.0.2.1 --external-ip 2001:db8::1",
		  "no relay address has its family" },
		{ "--listen 192.0.2.1 --listen 192.0.2.2 --external-ip 203.0.113.1",
		  "is ambiguous: 2 relay addresses" },
		{ "--listen 192.0.2.1 --mode tc --moves tail",
		  "mode tc does not support --moves tail" },
		{ "--listen 192.0.2.1 --tc-hook tcx", "--tc-hook requires --mode tc" },
	};
	char words[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;

		snprintf(words, sizeof(words), "turnpike --check-config %s", rows[i].words);
		assert_int_equal(parse(words, &config), CLI_USAGE);
		assert_logged(rows[i].logged);
	}
}

static void test_relay_ports(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse("turnpike --relay-ports 50000-50010 --listen 192.0.2.1:49999 "
			       "--listen 192.0.2.1:50011",
			       &config),
			 CLI_OK);
	assert_int_equal(config.n_listen, 2);
	serve_config_free(&config);
}

/* What no address of a host can be, whatever the host. */
static void test_uses(void **state)
{
	static const struct {
		const char *words;
		const char *logged; /* NULL: fine */
	} rows[] = {
		{ "--listen 224.0.0.1", "224.0.0.1:3478 is a multicast address" },
		{ "--listen [ff02::1]", "[ff02::1]:3478 is a multicast address" },
		{ "--listen 255.255.255.255", "is the broadcast address" },
		{ "--listen 0.0.0.1", "is no address of a host" },
		{ "--listen 192.0.2.1:0", "expected an address" },
		{ "--listen :0", "expected an address" },
		{ "--listen 2001:db8::1", "IPv6 in brackets" },
		{ "--listen 2001:db8::1:3478", "IPv6 in brackets" },
		{ "--listen ::", "IPv6 in brackets" },
		{ "--listen [fe80::1]", "append its device, as in [fe80::1%eth0]" },
		{ "--listen [2001:db8::1%eth0]", "expected an address" },
		{ "--listen [fe80::1%]", "expected an address" },
		{ "--listen [fe80::1%a-name-that-is-too-long]", "expected an address" },
		{ "--listen [fe80::1%eth0]:3478", NULL },
		{ "--listen [fe80::1%eth0] --relay-address fe80::1%eth0", NULL },
		{ "--listen :1 --relay-address fe80::1", "append its device" },
		{ "--listen :1 --relay-address 239.1.1.1", "is a multicast address" },
		{ "--listen 127.0.0.1 --relay-address 127.0.0.1", NULL },
		{ "--listen :1 --external-ip 0.0.0.0", "0.0.0.0 is no address of a host" },
		{ "--listen :1 --external-ip 127.0.0.1", "127.0.0.1 is a loopback address" },
		{ "--listen :1 --external-ip ::1", "::1 is a loopback address" },
		{ "--listen :1 --external-ip 224.0.0.1", "224.0.0.1 is a multicast address" },
		{ "--listen :1 --external-ip 169.254.1.1", "is a link-local address" },
		{ "--listen :1 --external-ip 203.0.113.1/224.0.0.1", "is a multicast address" },
		{ "--listen :1 --external-ip 203.0.113.1/192.0.2.1 --external-ip "
		  "203.0.113.1/192.0.2.2",
		  "203.0.113.1 is the public address of two relay addresses" },
		{ "--listen :1 --external-ip 203.0.113.1/192.0.2.1 --external-ip "
		  "203.0.113.2/192.0.2.1",
		  "192.0.2.1 has two public addresses" },
		{ "--listen :1 --external-ip 203.0.113.1 --external-ip 203.0.113.2",
		  "has two public addresses" },
		{ "--listen :1 --external-ip 203.0.113.1 --external-ip 2001:db8::2", NULL },
		{ "--listen :1 --alternate-server 0.0.0.0", "is no address of a host" },
		{ "--listen :1 --alternate-server 192.0.2.1:0", "expected an address" },
		{ "--listen :443 --listen-tls 192.0.2.1:443 --cert /dev/null --key /dev/null",
		  ":443 is in both --listen and --listen-tls" },
		{ "--listen 0.0.0.0:443 --listen-tls [::]:443 --cert /dev/null --key /dev/null",
		  NULL },
		{ "--listen :50000", ":50000 is in the relay port range" },
		{ "--listen :1 --as nobody", NULL },
	};
	char words[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;

		snprintf(words, sizeof(words), "turnpike --check-config %s", rows[i].words);
		if (rows[i].logged) {
			assert_int_equal(parse(words, &config), CLI_USAGE);
			assert_logged(rows[i].logged);
		} else {
			assert_int_equal(parse(words, &config), CLI_OK);
			serve_config_free(&config);
		}
	}
}

/* --check-config has one status for all errors; otherwise an unreadable file has its own. */
static void test_status(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse("turnpike --config /nonexistent", &config), CLI_ERROR);
	assert_int_equal(parse("turnpike --config /nonexistent --check-config", &config),
			 CLI_USAGE);
	assert_int_equal(parse("turnpike --check-config --listen 192.0.2.1", &config), CLI_OK);
	assert_true(config.check_only);
	serve_config_free(&config);
}

/* Each row is complete, and its help is a sentence. */
static void test_table(void **state)
{
	(void)state;
	assert_non_null(serve_options[0].group);
	for (const struct cli_option *option = serve_options; option->name; option++) {
		assert_int_equal(option->help[strlen(option->help) - 1], '.');
		assert_true(!option->read || option->flags & CLI_REPEATABLE);
		assert_true(option->set || option->read || option->field > 0);
		assert_true(option->read || !option->value == !option->expects);
		if (option->value && !option->set && !option->read)
			assert_true(option->min < option->max);
	}
}

/* --help prints every option once, below its group, with its default, in at most 80 columns. */
static void test_help(void **state)
{
	static const struct cli_syntax syntax = {
		.command = "turnpike serve",
		.doc = "Run.",
		.options = serve_options,
	};
	char *text = NULL, *line, *save, name[64];
	struct serve_config config;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	assert_int_equal(serve_config_init(&config), 0);
	help_print(file, &syntax, &config);
	fclose(file);
	for (const struct cli_option *option = serve_options; option->name; option++) {
		snprintf(name, sizeof(name), "      --%s%s%s", option->name,
			 option->value ? "=" : "", option->value ? option->value : "");
		assert_non_null(strstr(text, name));
	}
	assert_true(strstr(text, "\nLimits:\n") < strstr(text, "--user-quota"));
	assert_true(strstr(text, "--listen=") < strstr(text, "\nLogging:\n"));
	assert_non_null(strstr(text, "[default: 256]"));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_true(strlen(line) < 80);
	serve_config_free(&config);
	free(text);
}

/* Errors of the command line itself. */
static void test_unknown_options(void **state)
{
	static const struct {
		const char *words;
		const char *logged;
	} rows[] = {
		{ "--listne 192.0.2.1", "unknown option '--listne': did you mean '--listen'?" },
		{ "--usre=alice:sesame", "unknown option '--usre': did you mean '--user'?" },
		{ "--frobnicate", "unknown option '--frobnicate': see 'turnpike serve --help'" },
		{ "-x", "unknown option '-x'" },
		{ "--user alice:sesame -\xc3\xa9", "error: unknown short option" },
		{ "--help=sesame", "option '--help' takes no value" },
		{ "--li x", "option '--li' is ambiguous: --listen, --listen-tls" },
		{ "--user", "option '--user' requires a value" },
		{ "--log-json=sesame", "option '--log-json' takes no value" },
		{ "sesam", "unexpected argument 'sesam'" },
		{ "--log-json -- sesam", "unexpected argument 'sesam'" },
	};
	char words[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;

		snprintf(words, sizeof(words), "turnpike %s", rows[i].words);
		assert_int_equal(parse(words, &config), CLI_USAGE);
		assert_logged(rows[i].logged);
		assert_not_logged("sesame");
	}
}

static void test_suggestions(void **state)
{
	static const struct {
		const char *name;
		const char *best;
	} rows[] = {
		{ "realm", "realm" },  { "relam", "realm" },
		{ "user", "user" },    { "usr", "user" },
		{ "", NULL },          { "x", NULL },
		{ "zzzzz", NULL },     { "reslm", "realm" },
		{ "realms", "realm" }, { "users-flie", "users-file" },
	};
	static const char *const names[] = { "realm", "user", "users-file", "listen" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct suggest suggest = { .name = rows[i].name, .len = strlen(rows[i].name) };

		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			suggest_try(&suggest, names[j]);
		if (rows[i].best)
			assert_string_equal(suggest.best, rows[i].best);
		else
			assert_null(suggest.best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_form_of_a_file),
		cmocka_unit_test(test_a_byte_of_zero),
		cmocka_unit_test(test_secrets_are_not_logged),
		cmocka_unit_test(test_text_is_wiped),
		cmocka_unit_test(test_command_line_is_hidden),
		cmocka_unit_test(test_command_line_wins),
		cmocka_unit_test(test_files_of_secrets),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_relay_ports),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_unknown_options),
		cmocka_unit_test(test_suggestions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Conversion of turnserver.conf. */
#include <stdio.h>

#include "config/coturn_keys.h"
#include "config_fixture.h"
#include "private/array_len.h"

static void assert_cidr(const struct addr_cidr *cidr, const char *text)
{
	struct addr_cidr be;

	assert_int_equal(addr_cidr_parse(text, &be), 0);
	assert_memory_equal(cidr, &be, sizeof(be));
}

static void test_empty(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse_coturn("", &config), CLI_OK);
	/* All addresses, of both families. */
	assert_int_equal(config.n_listen, 1);
	assert_int_equal(config.listen[0].addr.family, 0);
	assert_int_equal(config.n_listen_tls, 0);
	assert_int_equal(config.port_lo, 49152);
	assert_logged("info: folder/text: without cert and pkey, TLS and DTLS are not served");
	assert_logged("info: folder/text: without realm, the realm is turnpike");
	serve_config_free(&config);
}

static void test_whole(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse_coturn("# of a deployment\n"
				      "listening-port=3479\n"
				      "tls-listening-port 5350\n"
				      "  listening-ip = 192.0.2.1  \n"
				      "listening-ip=\"2001:db8::1\"\n"
				      "aux-server=192.0.2.1:80\n"
				      "relay-ip=192.0.2.1\n"
				      "external-ip=203.0.113.1\n"
				      "min-port=50000\n"
				      "max-port=50010\n"
				      "cert=/etc/a.pem\n"
				      "pkey=b.pem\n"
				      "no-dtls\n"
				      "use-auth-secret\n"
				      "static-auth-secret=\"north = 1\"\n"
				      "static-auth-secret=south\n"
				      "realm=example.org\n"
				      "user-quota=12\n"
				      "total-quota=1200\n"
				      "max-bps=64000\n"
				      "stale-nonce\n"
				      "max-allocate-lifetime\n"
				      "relay-threads=0\n"
				      "proc-user=nobody\n"
				      "proc-group=nogroup\n"
				      "Verbose\n",
				      &config),
			 CLI_OK);
	assert_string_equal(log_lines(), "");
	assert_int_equal(config.n_listen, 3);
	assert_addr(config.listen[0].addr, "192.0.2.1:3479");
	assert_addr(config.listen[1].addr, "[2001:db8::1]:3479");
	assert_addr(config.listen[2].addr, "192.0.2.1:80");
	assert_int_equal(config.n_listen_tls, 2);
	assert_addr(config.listen_tls[0].addr, "192.0.2.1:5350");
	assert_addr(config.listen_tls[1].addr, "[2001:db8::1]:5350");
	assert_int_equal(config.transports, 1 << TURN_UDP | 1 << TURN_TCP | 1 << TURN_TLS);
	assert_int_equal(config.n_relays, 1);
	assert_addr(config.externals[0].external, "203.0.113.1");
	assert_int_equal(config.port_lo, 50000);
	assert_int_equal(config.port_hi, 50010);
	assert_string_equal(config.cert, "/etc/a.pem");
	assert_string_equal(config.key, "folder/b.pem");
	assert_int_equal(config.n_secrets, 2);
	assert_string_equal(config.secrets[0], "north = 1");
	assert_string_equal(config.secrets[1], "south");
	assert_string_equal(config.realm, "example.org");
	assert_int_equal(config.user_quota, 12);
	assert_int_equal(config.max_allocations, 1200);
	assert_int_equal(config.max_rate, 64000);
	assert_int_equal(config.nonce_lifetime, 600);
	assert_int_equal(config.max_lifetime, 3600);
	assert_int_equal(config.n_workers, 1);
	assert_string_equal(config.run_as, "nobody:nogroup");
	assert_int_equal(config.log_level, LOG_DEBUG);
	serve_config_free(&config);
}

static void test_users(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse_coturn("user=ninefingers:0xbc807ee29df3c9ffa736523fb2c4e8ee\n"
				      "lt-cred-mech\nuser=alice:a b\n",
				      &config),
			 CLI_OK);
	assert_int_equal(config.n_users, 2);
	assert_string_equal(config.users[0].name, "ninefingers");
	assert_int_equal(config.users[0].key_len, 16);
	assert_int_equal(config.users[0].key[15], 0xee);
	assert_string_equal(config.users[1].password, "a b");
	serve_config_free(&config);

	/* With a secret anywhere in the file, coturn ignores all users, and so does Turnpike. */
	assert_int_equal(parse_coturn("user=alice:sesame\nstatic-auth-secret=x\n", &config),
			 CLI_OK);
	assert_int_equal(config.n_users, 0);
	assert_logged("warning: folder/text:1: user has no effect");
	assert_not_logged("sesame");
	serve_config_free(&config);
}

static void test_peers(void **state)
{
	struct serve_config config;

	(void)state;
	assert_int_equal(parse_coturn("denied-peer-ip=10.0.0.0-10.255.255.255\n"
				      "denied-peer-ip=192.168.0.1-192.168.0.7\n"
				      "denied-peer-ip=0.0.0.0-255.255.255.255\n"
				      "denied-peer-ip=2001:db8::-2001:db8::ffff\n"
				      "allowed-peer-ip=10.1.2.3\n",
				      &config),
			 CLI_OK);
	assert_int_equal(config.n_deny, 6);
	assert_cidr(&config.deny[0], "10.0.0.0/8");
	assert_cidr(&config.deny[1], "192.168.0.1/32");
	assert_cidr(&config.deny[2], "192.168.0.2/31");
	assert_cidr(&config.deny[3], "192.168.0.4/30");
	assert_cidr(&config.deny[4], "0.0.0.0/0");
	assert_cidr(&config.deny[5], "2001:db8::/112");
	assert_int_equal(config.n_allow, 1);
	assert_cidr(&config.allow[0], "10.1.2.3/32");
	serve_config_free(&config);
}

/* Errors name the line and the reason. */
static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *logged;
	} rows[] = {
		{ "\nlissening-port=1",
		  "error: folder/text:2: unknown key 'lissening-port': did you mean 'listening-port'?" },
		{ "a:sesame", "error: folder/text:1: not a coturn option" },
		{ "user=sesame", "folder/text:1: user, here user: expected a name and a password" },
		{ "user=a:0xsesame", "folder/text:1: user, here user: expected a name" },
		{ "listening-ip=x",
		  "folder/text:1: listening-ip, here listen 'x:3478': expected an" },
		{ "listening-port=x", "folder/text:1: listening-port: expected a number" },
		{ "min-port=2\nmax-port=1", "relay-ports '2-1': expected a port range" },
		{ "no-udp=maybe", "folder/text:1: no-udp: expected yes or no" },
		{ "denied-peer-ip=1.1.1.2-1.1.1.1",
		  "folder/text:1: denied-peer-ip '1.1.1.2-1.1.1.1'" },
		{ "denied-peer-ip=1.1.1.1-::1", "expected an address, or a range" },
		{ "denied-peer-ip=10.0.0.0/8", "expected an address, or a range" },
		{ "allowed-peer-ip=126.0.0.0-128.0.0.0", "the range includes loopback addresses" },
		{ "allowed-peer-ip=::1", "the range includes loopback addresses" },
		{ "allowed-peer-ip=127.0.0.1", "the range includes loopback addresses" },
		{ "use-auth-secret", "use-auth-secret requires static-auth-secret" },
		{ "no-udp\nno-tcp\nno-tls\nno-dtls", "all transports are disabled" },
		{ "proc-group=x", "proc-group requires proc-user here" },
		{ "max-allocate-lifetime=60", "max-lifetime '60': expected a number of seconds" },
		{ "rest-api-separator=-", "rest-api-separator cannot be converted" },
		{ "no-auth\nuserdb=/x", "folder/text:2: userdb cannot be converted" },
		{ "userdb=/x\nno-auth", "folder/text:2: no-auth cannot be converted" },
		{ "psql-userdb=\"password=sesame\"", "psql-userdb cannot be converted" },
		{ "pkey-pwd=sesame", "pkey-pwd cannot be converted" },
		{ "no-udp-relay", "no-udp-relay cannot be converted" },
		{ "stun-only", "stun-only cannot be converted" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;

		assert_int_equal(parse_coturn(rows[i].text, &config), CLI_USAGE);
		assert_logged(rows[i].logged);
		assert_not_logged("sesame");
		serve_config_free(&config);
	}
}

/* A flag that is off, or a value that equals our behaviour, is ignored without a message. */
static void test_no_difference(void **state)
{
	static const char *const texts[] = {
		"no-auth=0",
		"no-auth no",
		"no-auth=false",
		"no-auth=off",
		"stun-only=F",
		"mobility=N",
		"rest-api-separator=:",
		"channel-lifetime=600",
		"channel-lifetime",
		"permission-lifetime=300",
		"allocation-default-address-family=\"ipv4\"",
	};
	struct serve_config config;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(parse_coturn(texts[i], &config), CLI_OK);
		assert_not_logged("folder/text:1");
		serve_config_free(&config);
	}
	assert_int_equal(parse_coturn("channel-lifetime=60", &config), CLI_OK);
	assert_logged(
		"warning: folder/text:1: channel-lifetime has no effect: RFC 8656 requires 600 s");
	serve_config_free(&config);
	assert_int_equal(parse_coturn("no-tcp = off\nno-udp=on\n", &config), CLI_OK);
	assert_int_equal(config.transports, 1 << TURN_TCP | 1 << TURN_TLS | 1 << TURN_DTLS);
	serve_config_free(&config);
}

/* The log level of each key depends on its fate. */
static void test_every_key(void **state)
{
	static const char *const log_of[] = {
		[COTURN_ALMOST] = "warning: folder/text:1: %s is converted to",
		[COTURN_NEEDLESS] = "info: folder/text:1: %s is not needed here",
		[COTURN_MISSING] = "warning: folder/text:1: %s has no effect",
		[COTURN_REFUSED] = "error: folder/text:1: %s cannot be converted",
	};
	char text[128], line[128];

	(void)state;
	for (const struct coturn_key *key = coturn_keys; key->name; key++) {
		struct serve_config config;

		/* 601 is valid as a number, and as a lifetime other than that of the RFC. */
		snprintf(text, sizeof(text), "%s=%s", key->name,
			 key->how == COTURN_FLAG                        ? "1"
			 : key->option && strstr(key->option, "server") ? "192.0.2.1"
									: "601");
		if (key->fate == COTURN_TAKEN)
			continue;
		assert_int_equal(parse_coturn(text, &config),
				 key->fate == COTURN_REFUSED ? CLI_USAGE : CLI_OK);
		/* Compared in parts, because -Wformat-nonliteral rejects a variable format. */
		snprintf(line, sizeof(line), "%s", log_of[key->fate]);
		*strchr(line, '%') = '\0';
		assert_logged(line);
		assert_logged(key->name);
		assert_logged(strchr(log_of[key->fate], '%') + 2);
		assert_logged(key->why);
		serve_config_free(&config);
	}
}

/* Every option in the table exists, and every key that is not taken as it is has a reason. */
static void test_table(void **state)
{
	(void)state;
	for (const struct coturn_key *key = coturn_keys; key->name; key++) {
		const bool taken = key->fate == COTURN_TAKEN || key->fate == COTURN_ALMOST;
		bool known = false;

		assert_int_equal(taken, key->option != NULL);
		assert_true(key->why || key->fate == COTURN_TAKEN);
		for (const struct cli_option *option = serve_options; option->name; option++)
			known |= key->option && strcmp(option->name, key->option) == 0;
		assert_int_equal(known, taken);
		for (const struct coturn_key *other = coturn_keys; other < key; other++)
			assert_string_not_equal(other->name, key->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),     cmocka_unit_test(test_whole),
		cmocka_unit_test(test_users),     cmocka_unit_test(test_peers),
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

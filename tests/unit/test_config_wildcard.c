/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Expansion of wildcards to the addresses of a machine. */
#include <net/if.h>
#include <stdlib.h>

#include "config/wildcard.h"
#include "config_fixture.h"
#include "private/array_len.h"

#define DEVICES_MAX 16

/** struct machine - addresses of a machine as getifaddrs() lists them */
struct machine {
	struct ifaddrs list[DEVICES_MAX];
	struct sockaddr_storage addrs[DEVICES_MAX];
	size_t n;
};

static void add(struct machine *machine, char *device, const char *text, unsigned int flags)
{
	const size_t i = machine->n++;

	assert_true(i < DEVICES_MAX);
	machine->list[i] = (struct ifaddrs){ .ifa_name = device, .ifa_flags = flags };
	if (text) {
		struct turnpike_addr addr = addr_of(text);

		assert_true(addr_to_sockaddr(&addr, &machine->addrs[i]) > 0);
		machine->list[i].ifa_addr = (struct sockaddr *)&machine->addrs[i];
	}
	if (i > 0)
		machine->list[i - 1].ifa_next = &machine->list[i];
}

static void make(struct machine *machine)
{
	static char lo[] = "lo", eth0[] = "eth0", eth1[] = "eth1", down[] = "down";

	*machine = (struct machine){ 0 };
	add(machine, lo, "127.0.0.1", IFF_UP | IFF_LOOPBACK);
	add(machine, lo, "::1", IFF_UP | IFF_LOOPBACK);
	/* A global address on lo, as with anycast. */
	add(machine, lo, "198.51.100.1", IFF_UP | IFF_LOOPBACK);
	add(machine, eth0, "192.0.2.1", IFF_UP);
	add(machine, eth0, "2001:db8::1", IFF_UP);
	add(machine, eth0, "fe80::1", IFF_UP);
	add(machine, eth1, "10.0.0.1", IFF_UP);
	add(machine, eth1, "169.254.1.1", IFF_UP);
	/* getifaddrs() also lists devices without an address, such as tunnels. */
	add(machine, eth1, NULL, IFF_UP);
	add(machine, down, "192.0.2.9", 0);
}

/** Listeners, and their expansion or the error. */
static const struct {
	const char *before;
	const char *after[6];
} rows[] = {
	{ "listen = 192.0.2.77:3478", { "192.0.2.77:3478" } },
	{ "listen = 0.0.0.0:3479", { "198.51.100.1:3479", "192.0.2.1:3479", "10.0.0.1:3479" } },
	{ "listen = [::]", { "[2001:db8::1]:3478" } },
	{ "listen = :443",
	  { "198.51.100.1:443", "192.0.2.1:443", "[2001:db8::1]:443", "10.0.0.1:443" } },
	{ "listen = 10.0.0.1\nlisten = 0.0.0.0\nlisten = 192.0.2.1:1",
	  { "10.0.0.1:3478", "198.51.100.1:3478", "192.0.2.1:3478", "192.0.2.1:1" } },
	{ "listen = :1\nlisten = :2",
	  { "198.51.100.1:1", "192.0.2.1:1", "[2001:db8::1]:1", "10.0.0.1:1", "198.51.100.1:2",
	    "192.0.2.1:2" } },
};

static struct wildcard_addrs listened_at(const char *text, struct serve_config *config)
{
	assert_int_equal(parse_text(text, config), CLI_OK);
	return (struct wildcard_addrs){ config->listen, config->n_listen };
}

static void test_expand(void **state)
{
	struct machine machine;

	(void)state;
	make(&machine);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct serve_config config;
		struct wildcard_addrs addrs;
		size_t n = 0;

		addrs = listened_at(rows[i].before, &config);
		assert_int_equal(wildcard_expand("listen", &addrs, machine.list), CLI_OK);
		for (; n < 6 && rows[i].after[n]; n++)
			assert_addr(addrs.list[n], rows[i].after[n]);
		assert_true(addrs.n == n || n == 6);
		config.listen = addrs.list;
		serve_config_free(&config);
	}
}

static void test_log(void **state)
{
	struct serve_config config;
	struct wildcard_addrs addrs;
	struct machine machine;

	(void)state;
	make(&machine);
	addrs = listened_at("listen = :443", &config);
	assert_int_equal(wildcard_expand("listen", &addrs, machine.list), CLI_OK);
	assert_string_equal(log_lines(), "info: --listen :443: using 198.51.100.1:443 on lo\n"
					 "info: --listen :443: using 192.0.2.1:443 on eth0\n"
					 "info: --listen :443: using [2001:db8::1]:443 on eth0\n"
					 "info: --listen :443: using 10.0.0.1:443 on eth1\n");
	config.listen = addrs.list;
	serve_config_free(&config);
}

/* A machine without an address of the requested family. */
static void test_none(void **state)
{
	struct serve_config config;
	struct wildcard_addrs addrs;
	struct machine machine;

	(void)state;
	make(&machine);
	addrs = listened_at("listen = 192.0.2.7\nlisten = [::]\n", &config);
	/* The list ends before the first IPv6 address. */
	machine.list[3].ifa_next = NULL;
	assert_int_equal(wildcard_expand("listen", &addrs, machine.list), CLI_USAGE);
	assert_logged("error: --listen [::]:3478: no interface that is up has a reachable address");
	assert_ptr_equal(addrs.list, config.listen);
	assert_int_equal(addrs.n, 2);
	serve_config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

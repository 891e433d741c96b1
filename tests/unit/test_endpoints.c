/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is served, of what is configured and what the host has. */
#include "endpoints/endpoints.h"

#include <stdlib.h>

#include "config_fixture.h"
#include "private/array_len.h"

#define ADDRESSES_MAX 32

/** struct machine - the addresses of a machine */
struct machine {
	struct host_address list[ADDRESSES_MAX];
	size_t n;
};

static const struct host_link lo = { 1, "lo", HOST_LINK_LOOPBACK, .up = true, .carrier = true };
static const struct host_link eth0 = { 2, "eth0", .up = true, .carrier = true };
static const struct host_link eth1 = { 3, "eth1", .up = true, .carrier = true };
static const struct host_link down = { 4, "down", .carrier = false };
static const struct host_link unplugged = { 5, "unplugged", .up = true };
static const struct host_link docker0 = { 6, "docker0", HOST_LINK_BRIDGE, .up = true,
					  .carrier = true };
static const struct host_link br0 = { 7,          "br0",           HOST_LINK_BRIDGE,
				      .up = true, .carrier = true, .is_uplink = true };
static const struct host_link wg0 = { 8, "wg0", HOST_LINK_TUNNEL, .up = true, .carrier = true };
static const struct host_link ppp0 = { 9,          "ppp0",          HOST_LINK_TUNNEL,
				       .up = true, .carrier = true, .is_default = true };

static void add(struct machine *machine, const struct host_link *link, const char *text,
		unsigned int flags)
{
	assert_true(machine->n < ADDRESSES_MAX);
	machine->list[machine->n++] =
		(struct host_address){ .addr = addr_of(text), .flags = flags, .link = *link };
}

static void make(struct machine *machine)
{
	*machine = (struct machine){ 0 };
	add(machine, &lo, "127.0.0.1", 0);
	add(machine, &lo, "::1", 0);
	/* A global address on lo, as with anycast. */
	add(machine, &lo, "198.51.100.1", 0);
	add(machine, &eth0, "192.0.2.1", 0);
	add(machine, &eth0, "2001:db8::1", 0);
	add(machine, &eth0, "fe80::1", 0);
	add(machine, &eth0, "2001:db8::2", HOST_TENTATIVE);
	add(machine, &eth0, "2001:db8::3", HOST_DADFAILED);
	add(machine, &eth0, "2001:db8::4", HOST_DEPRECATED);
	add(machine, &eth0, "2001:db8::5", HOST_TEMPORARY);
	add(machine, &eth1, "10.0.0.1", 0);
	add(machine, &eth1, "169.254.1.1", 0);
	add(machine, &eth1, "fe80::1", 0);
	add(machine, &eth1, "2001:db8:1::1", 0);
	add(machine, &down, "192.0.2.9", 0);
	add(machine, &unplugged, "192.0.2.10", 0);
	add(machine, &docker0, "172.17.0.1", 0);
	add(machine, &br0, "192.0.2.11", 0);
	add(machine, &wg0, "10.8.0.1", 0);
	add(machine, &ppp0, "192.0.2.12", 0);
}

static bool bindable(const struct turnpike_addr *addr)
{
	const struct turnpike_addr any_ip = addr_of("203.0.113.50");

	return addr_equal(addr, &any_ip);
}

static struct endpoints resolve(const char *text, const struct machine *machine,
				const struct endpoints *before)
{
	const struct host_addresses host = { .list = (struct host_address *)machine->list,
					     .n = machine->n };
	struct serve_config config;
	struct endpoint_rules rules;
	struct endpoints result;

	assert_int_equal(parse_text(text, &config), CLI_OK);
	rules = serve_config_rules(&config);
	rules.can_bind = bindable;
	assert_int_equal(endpoints_resolve(&rules, &host, before, &result), 0);
	serve_config_free(&config);
	return result;
}

static void join(char text[static 512], const struct turnpike_addr *addr, const char *separator)
{
	char one[ADDR_TEXT_MAX];

	if (text[0])
		strcat(text, separator);
	strcat(text, endpoint_format(addr, one));
}

static void expect_listeners(const struct endpoints *endpoints, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < endpoints->n_plain; i++)
		join(text, &endpoints->plain[i], " ");
	assert_string_equal(text, expected);
}

static void expect_relays(const struct endpoints *endpoints, const char *expected)
{
	char text[512] = "";

	for (size_t i = 0; i < endpoints->n_relays; i++) {
		join(text, &endpoints->relays[i].addr, " ");
		if (endpoints->relays[i].external.family)
			join(text, &endpoints->relays[i].external, "=");
	}
	assert_string_equal(text, expected);
}

static void expect_note(const struct endpoints *endpoints, const char *addr, const char *dev,
			enum endpoint_why why)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < endpoints->n_notes; i++) {
		const struct endpoint_note *note = &endpoints->notes[i];

		if (strcmp(endpoint_format(&note->addr, text), addr) == 0) {
			assert_string_equal(note->dev, dev);
			assert_int_equal(note->why, why);
			return;
		}
	}
	fail_msg("no note about %s", addr);
}

/** Listeners, and what they stand for. */
static const struct {
	const char *before;
	const char *after;
} rows[] = {
	{ "listen = 192.0.2.1:3479", "192.0.2.1:3479" },
	{ "listen = 0.0.0.0:3479", "198.51.100.1:3479 192.0.2.1:3479 10.0.0.1:3479 "
				   "192.0.2.11:3479 192.0.2.12:3479" },
	{ "listen = [::]", "[2001:db8::1]:3478 [2001:db8:1::1]:3478" },
	{ "listen = :443", "198.51.100.1:443 192.0.2.1:443 [2001:db8::1]:443 10.0.0.1:443 "
			   "[2001:db8:1::1]:443 192.0.2.11:443 192.0.2.12:443" },
	{ "listen = 10.0.0.1\nlisten = [::]\nlisten = 192.0.2.1:1",
	  "10.0.0.1:3478 [2001:db8::1]:3478 [2001:db8:1::1]:3478 192.0.2.1:1" },
	/* Whoever names an address gets it, whatever its link and its lifetime. */
	{ "listen = 172.17.0.1\nlisten = 10.8.0.1\nlisten = 127.0.0.1\nlisten = 192.0.2.10",
	  "172.17.0.1:3478 10.8.0.1:3478 127.0.0.1:3478 192.0.2.10:3478" },
	{ "listen = [2001:db8::4]\nlisten = [2001:db8::5]",
	  "[2001:db8::4]:3478 [2001:db8::5]:3478" },
	{ "listen = 203.0.113.50", "203.0.113.50:3478" },
};

static void test_listeners(void **state)
{
	struct machine machine;

	(void)state;
	make(&machine);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct endpoints endpoints = resolve(rows[i].before, &machine, NULL);

		expect_listeners(&endpoints, rows[i].after);
		endpoints_free(&endpoints);
	}
}

static void test_left_out(void **state)
{
	struct endpoints endpoints;
	struct machine machine;

	(void)state;
	make(&machine);
	endpoints = resolve("listen = :1\nlisten = :2", &machine, NULL);
	expect_note(&endpoints, "2001:db8::2", "eth0", ENDPOINT_DETECTING);
	expect_note(&endpoints, "2001:db8::3", "eth0", ENDPOINT_DUPLICATE);
	expect_note(&endpoints, "2001:db8::4", "eth0", ENDPOINT_DEPRECATED);
	expect_note(&endpoints, "2001:db8::5", "eth0", ENDPOINT_TEMPORARY);
	expect_note(&endpoints, "192.0.2.9", "down", ENDPOINT_LINK_DOWN);
	expect_note(&endpoints, "192.0.2.10", "unplugged", ENDPOINT_NO_CARRIER);
	expect_note(&endpoints, "172.17.0.1", "docker0", ENDPOINT_BRIDGE);
	expect_note(&endpoints, "10.8.0.1", "wg0", ENDPOINT_TUNNEL);
	/* Once for all wildcards, and not a word of loopback and link-local addresses. */
	assert_int_equal(endpoints.n_notes, 8);
	endpoints_free(&endpoints);
}

static void test_missing(void **state)
{
	struct machine machine;
	struct endpoints endpoints;

	(void)state;
	make(&machine);
	endpoints = resolve("listen = 192.0.2.77\nlisten = [2001:db8::2]\nlisten = [2001:db8::3]\n"
			    "listen = 192.0.2.9\nlisten = 192.0.2.1\nrelay-address = 192.0.2.78\n"
			    "listen = [fe80::1%eth7]",
			    &machine, NULL);
	expect_listeners(&endpoints, "192.0.2.1:3478");
	expect_relays(&endpoints, "");
	expect_note(&endpoints, "192.0.2.77:3478", "", ENDPOINT_ABSENT);
	expect_note(&endpoints, "[2001:db8::2]:3478", "", ENDPOINT_TENTATIVE);
	expect_note(&endpoints, "[2001:db8::3]:3478", "", ENDPOINT_DADFAILED);
	expect_note(&endpoints, "192.0.2.9:3478", "", ENDPOINT_DOWN);
	expect_note(&endpoints, "192.0.2.78", "", ENDPOINT_ABSENT);
	expect_note(&endpoints, "[fe80::1]:3478", "eth7", ENDPOINT_ABSENT);
	assert_true(endpoint_is_missing(ENDPOINT_ABSENT));
	assert_false(endpoint_is_missing(ENDPOINT_BRIDGE));
	endpoints_free(&endpoints);
	/* A machine that has no address of the family, or none at all. */
	machine.n = 4;
	endpoints = resolve("listen = [::]:5\nexternal-ip = 2001:db8::99", &machine, NULL);
	expect_note(&endpoints, "[::]:5", "", ENDPOINT_NO_ADDRESS);
	expect_note(&endpoints, "2001:db8::99", "", ENDPOINT_NO_RELAY);
	endpoints_free(&endpoints);
	machine.n = 0;
	endpoints = resolve("listen = :5", &machine, NULL);
	expect_note(&endpoints, ":5", "", ENDPOINT_NO_ADDRESS);
	endpoints_free(&endpoints);
}

static void test_zones(void **state)
{
	struct machine machine;
	struct endpoints endpoints;

	(void)state;
	make(&machine);
	endpoints = resolve("listen = [fe80::1%eth1]:5\nlisten = [fe80::1%eth0]:5\n"
			    "listen = 10.0.0.1:5",
			    &machine, NULL);
	assert_int_equal(endpoints.n_plain, 3);
	assert_int_equal(addr_zone(&endpoints.plain[0]), 3);
	assert_int_equal(addr_zone(&endpoints.plain[1]), 2);
	/* Peers elsewhere could not reach a link-local relay. */
	expect_relays(&endpoints, "10.0.0.1");
	assert_addr(endpoints.homes[0].relays[0], "10.0.0.1");
	endpoints_free(&endpoints);
	endpoints = resolve("listen = :5\nrelay-address = fe80::1%eth1", &machine, NULL);
	assert_int_equal(endpoints.n_relays, 1);
	assert_int_equal(addr_zone(&endpoints.relays[0].addr), 3);
	endpoints_free(&endpoints);
}

static const struct turn_home *home_of(const struct endpoints *endpoints, const char *listener)
{
	const struct turnpike_addr addr = addr_of(listener);

	for (size_t i = 0; i < endpoints->n_homes; i++) {
		if (addr_equal(&endpoints->homes[i].listener, &addr))
			return &endpoints->homes[i];
	}
	fail_msg("no home of %s", listener);
	return NULL;
}

static void test_homes(void **state)
{
	struct machine machine;
	struct endpoints endpoints;

	(void)state;
	make(&machine);
	endpoints = resolve("listen = :1\nlisten = :2\nlisten = 127.0.0.1", &machine, NULL);
	assert_int_equal(endpoints.n_homes, 8);
	/* The other family is that of the same device, else the first one. */
	assert_addr(home_of(&endpoints, "192.0.2.1")->relays[0], "192.0.2.1");
	assert_addr(home_of(&endpoints, "192.0.2.1")->relays[1], "2001:db8::1");
	assert_addr(home_of(&endpoints, "10.0.0.1")->relays[0], "10.0.0.1");
	assert_addr(home_of(&endpoints, "10.0.0.1")->relays[1], "2001:db8:1::1");
	assert_addr(home_of(&endpoints, "2001:db8:1::1")->relays[0], "10.0.0.1");
	assert_addr(home_of(&endpoints, "2001:db8:1::1")->relays[1], "2001:db8:1::1");
	assert_addr(home_of(&endpoints, "192.0.2.12")->relays[1], "2001:db8::1");
	/* A proxy on this host passes clients on; their peers are elsewhere. */
	assert_addr(home_of(&endpoints, "127.0.0.1")->relays[0], "198.51.100.1");
	endpoints_free(&endpoints);
	/* A pool is for everybody. */
	endpoints = resolve("listen = :1\nrelay-address = 10.0.0.1\nrelay-address = 192.0.2.1",
			    &machine, NULL);
	expect_relays(&endpoints, "10.0.0.1 192.0.2.1");
	assert_int_equal(endpoints.n_homes, 0);
	endpoints_free(&endpoints);
	endpoints = resolve("listen = 127.0.0.1", &machine, NULL);
	expect_relays(&endpoints, "127.0.0.1");
	endpoints_free(&endpoints);
}

static void test_externals(void **state)
{
	struct machine machine;
	struct endpoints endpoints;

	(void)state;
	make(&machine);
	machine.n = 10; /* without eth1 and further devices */
	endpoints = resolve("listen = :1\nexternal-ip = 203.0.113.1/198.51.100.1\n"
			    "external-ip = 203.0.113.2\nexternal-ip = 2001:db8::99",
			    &machine, NULL);
	expect_relays(&endpoints, "198.51.100.1=203.0.113.1 192.0.2.1=203.0.113.2 "
				  "2001:db8::1=2001:db8::99");
	endpoints_free(&endpoints);
	endpoints = resolve("listen = :1\nexternal-ip = 203.0.113.2", &machine, NULL);
	expect_note(&endpoints, "203.0.113.2", "", ENDPOINT_AMBIGUOUS);
	endpoints_free(&endpoints);
	/* The private side of a NAT is served, whatever its device. */
	make(&machine);
	endpoints =
		resolve("listen = 0.0.0.0:1\nexternal-ip = 203.0.113.1/10.8.0.1", &machine, NULL);
	expect_relays(&endpoints, "198.51.100.1 192.0.2.1 10.0.0.1 192.0.2.11 "
				  "10.8.0.1=203.0.113.1 192.0.2.12");
	endpoints_free(&endpoints);
}

/* Clients use what is served: it stays until the host loses it. */
static void test_changes(void **state)
{
	static const char text[] = "listen = 0.0.0.0:1\nexternal-ip = 203.0.113.1";
	struct endpoints before, now;
	struct machine machine = { 0 };

	(void)state;
	add(&machine, &eth0, "192.0.2.1", 0);
	before = resolve(text, &machine, NULL);
	expect_relays(&before, "192.0.2.1=203.0.113.1");
	machine.list[0].link.carrier = false;
	machine.list[0].flags = HOST_DEPRECATED;
	add(&machine, &eth1, "10.0.0.1", 0);
	now = resolve(text, &machine, &before);
	expect_listeners(&now, "192.0.2.1:1 10.0.0.1:1");
	expect_relays(&now, "192.0.2.1=203.0.113.1 10.0.0.1");
	assert_int_equal(now.n_notes, 0);
	endpoints_free(&before);
	before = now;
	machine.n = 0;
	add(&machine, &eth1, "10.0.0.1", 0);
	now = resolve(text, &machine, &before);
	expect_relays(&now, "10.0.0.1=203.0.113.1");
	endpoints_free(&before);
	endpoints_free(&now);
}

/* The same address on two devices is one address. */
static void test_twice(void **state)
{
	struct machine machine = { 0 };
	struct endpoints endpoints;

	(void)state;
	add(&machine, &docker0, "192.0.2.1", 0);
	add(&machine, &eth0, "192.0.2.1", 0);
	endpoints = resolve("listen = :1", &machine, NULL);
	expect_listeners(&endpoints, "192.0.2.1:1");
	assert_int_equal(endpoints.n_notes, 0);
	endpoints_free(&endpoints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listeners), cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_missing),   cmocka_unit_test(test_zones),
		cmocka_unit_test(test_homes),     cmocka_unit_test(test_externals),
		cmocka_unit_test(test_changes),   cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

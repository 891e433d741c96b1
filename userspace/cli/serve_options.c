/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cli/serve_config.h"

#define DEFAULT_PORT 3478
/** RFC 8489 sections 14.3 and 14.9. */
#define USERNAME_MAX 508
#define REALM_MAX    127

static int replace(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int set_listen(void *target, char *value)
{
	struct serve_config *config = target;
	struct turnpike_addr addr;

	if (addr_parse(value, &addr))
		return -EINVAL;
	if (!addr.port)
		addr.port = htons(DEFAULT_PORT);
	addr = addr_unmap(&addr);
	return SERVE_CONFIG_APPEND(config, listen, &addr);
}

/* An address alone, without a port. */
static int parse_ip(const char *text, struct turnpike_addr *addr)
{
	struct turnpike_addr result;

	if (addr_parse(text, &result) || result.port)
		return -EINVAL;
	*addr = addr_unmap(&result);
	return 0;
}

static int set_relay_address(void *target, char *value)
{
	struct turn_relay_address relay = { 0 };
	struct serve_config *config = target;

	if (parse_ip(value, &relay.addr))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, relays, &relay);
}

static int set_external_ip(void *target, char *value)
{
	struct turn_relay_address relay;
	struct serve_config *config = target;
	char *slash = strchr(value, '/');
	int err;

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	err = parse_ip(value, &relay.external);
	*slash = '/';
	if (err || parse_ip(slash + 1, &relay.addr) || relay.external.family != relay.addr.family)
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, externals, &relay);
}

/* LO-HI */
static int parse_range(char *value, uint32_t min, uint32_t max, uint32_t *lo, uint32_t *hi)
{
	char *dash = strchr(value, '-');
	int err;

	if (!dash)
		return -EINVAL;
	*dash = '\0';
	err = cli_number(value, min, max, lo);
	*dash = '-';
	return err ? err : cli_number(dash + 1, *lo, max, hi);
}

static int set_relay_ports(void *target, char *value)
{
	struct serve_config *config = target;
	uint32_t lo, hi;

	if (parse_range(value, 1, UINT16_MAX, &lo, &hi))
		return -EINVAL;
	config->port_lo = (uint16_t)lo;
	config->port_hi = (uint16_t)hi;
	return 0;
}

static int set_demote_percent(void *target, char *value)
{
	return cli_number(value, 1, 100, &((struct serve_config *)target)->kernel.demote_percent);
}

static int set_backoff(void *target, char *value)
{
	struct serve_config *config = target;
	uint32_t first, longest;

	if (parse_range(value, 1, 86400, &first, &longest))
		return -EINVAL;
	config->kernel.backoff_first_ms = first * 1000;
	config->kernel.backoff_longest_ms = longest * 1000;
	return 0;
}

static int set_realm(void *target, char *value)
{
	struct serve_config *config = target;

	if (*value == '\0' || strlen(value) > REALM_MAX)
		return -EINVAL;
	return replace(&config->realm, value);
}

/* Everyone may read the command line of a process. */
static void hide(char *secret)
{
	memset(secret, '*', strlen(secret));
}

static int set_user(void *target, char *value)
{
	struct serve_config *config = target;
	size_t name_len = strcspn(value, ":");
	struct serve_user user;
	int err = -ENOMEM;

	if (name_len == 0 || name_len > USERNAME_MAX || value[name_len] == '\0') {
		hide(value);
		return -EINVAL;
	}
	user.name = strndup(value, name_len);
	user.password = strdup(value + name_len + 1);
	hide(value + name_len + 1);
	if (user.name && user.password)
		err = SERVE_CONFIG_APPEND(config, users, &user);
	if (err) {
		free(user.name);
		free(user.password);
	}
	return err;
}

/* MODE or MODE/MOVES. */
static int parse_way(char *way, struct serve_device *device)
{
	char *moves = strchr(way, '/');
	int err;

	if (moves)
		*moves = '\0';
	err = turnpike_mode_parse(way, &device->mode);
	if (moves) {
		*moves = '/';
		if (!err)
			err = turnpike_moves_parse(moves + 1, &device->moves);
	}
	device->has_mode = true;
	return err;
}

static int set_device(void *target, char *value)
{
	struct serve_config *config = target;
	struct serve_device device = { 0 };
	const size_t name_len = strcspn(value, "=");

	if (name_len == 0 || name_len >= sizeof(device.name))
		return -EINVAL;
	memcpy(device.name, value, name_len);
	if (value[name_len] && parse_way(value + name_len + 1, &device))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, devices, &device);
}

static int set_mode(void *target, char *value)
{
	return turnpike_mode_parse(value, &((struct serve_config *)target)->mode);
}

static int set_moves(void *target, char *value)
{
	return turnpike_moves_parse(value, &((struct serve_config *)target)->moves);
}

static int set_tc_hook(void *target, char *value)
{
	struct serve_config *config = target;
	enum turnpike_hook hook;

	if (turnpike_hook_parse(value, &hook))
		return -EINVAL;
	if (hook == TURNPIKE_HOOK_NONE || hook == TURNPIKE_HOOK_XDP)
		return -EINVAL;
	config->hook = hook;
	return 0;
}

static int set_allow_peer(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	return addr_cidr_parse(value, &cidr) ? -EINVAL : SERVE_CONFIG_APPEND(config, allow, &cidr);
}

static int set_deny_peer(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	return addr_cidr_parse(value, &cidr) ? -EINVAL : SERVE_CONFIG_APPEND(config, deny, &cidr);
}

static int set_control(void *target, char *value)
{
	struct serve_config *config = target;

	return *value == '\0' ? -EINVAL : replace(&config->control, value);
}

static int set_max_flows(void *target, char *value)
{
	struct serve_config *config = target;

	return cli_number(value, 2, UINT32_MAX, &config->kernel.max_flows);
}

static int set_max_rate(void *target, char *value)
{
	return cli_number(value, 0, UINT32_MAX, &((struct serve_config *)target)->max_rate);
}

/** More than there are CPUs in any machine that relays. */
#define WORKERS_MAX 1024

static int set_workers(void *target, char *value)
{
	return cli_number(value, 1, WORKERS_MAX, &((struct serve_config *)target)->n_workers);
}

static uint32_t usable_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (uint32_t)CPU_COUNT(&cpus);
}

#define EXPECTS_CIDR "a prefix such as 192.0.2.0/24 or 2001:db8::/32"

static const struct cli_option options[] = {
	{ "listen", 0, "ADDR:PORT",
	  "Serve clients at this address of this machine; port 3478 unless given (repeatable)",
	  "an address such as 192.0.2.1:3478 or [2001:db8::1]:3478", set_listen },
	{ "relay-address", 0, "ADDR",
	  "Relay from this address of this machine; the listening addresses unless given "
	  "(repeatable)",
	  "an address without a port, such as 192.0.2.1 or 2001:db8::1", set_relay_address },
	{ "relay-ports", 0, "LO-HI", "Ports that are relayed from, 49152-65535 unless given",
	  "two ports, the lower one first, such as 49152-65535", set_relay_ports },
	{ "external-ip", 0, "PUB/PRIV",
	  "Peers see relay address PRIV as PUB, because of a 1:1 NAT (repeatable)",
	  "two addresses of one family, the public one first, such as 203.0.113.1/10.0.0.1",
	  set_external_ip },
	{ "realm", 0, "REALM", "Realm of the users' credentials, 'turnpike' unless given",
	  "1 to 127 bytes", set_realm },
	{ "user", 0, "NAME:PASSWORD", "Let a user in (repeatable)",
	  "a name and a password with a colon in between, such as alice:secret", set_user },
	{ "dev", 0, "IF[=MODE[/MOVES]]",
	  "Relay packets that come in by this device, in its own mode if one is given; those that "
	  "carry the listening and relay addresses unless given (repeatable)",
	  "the name of a device, such as eth0, and perhaps a mode, such as eth0=tc", set_device },
	{ "mode", 0, "MODE",
	  "Where packets are relayed: auto (the best that each device takes; the default), "
	  "xdp-native, xdp-generic, tc or userspace",
	  "auto, xdp-native, xdp-generic, tc or userspace", set_mode },
	{ "moves", 0, "MOVES",
	  "Which end of a frame moves first when its headers grow or shrink: auto (the default), "
	  "head or tail",
	  "auto, head or tail", set_moves },
	{ "tc-hook", 0, "HOOK",
	  "How mode tc hangs on a device: auto (the best that the kernel has; the default), tcx "
	  "or clsact",
	  "auto, tcx or clsact", set_tc_hook },
	{ "allow-peer", 0, "CIDR", "Allow peers that are refused otherwise (repeatable)",
	  EXPECTS_CIDR, set_allow_peer },
	{ "deny-peer", 0, "CIDR",
	  "Refuse these peers too, besides addresses that are never public (repeatable)",
	  EXPECTS_CIDR, set_deny_peer },
	{ "max-flows", 0, "N",
	  "Flows of each family that fit into the kernel, two a channel; 65536 unless given",
	  "a number, at least 2", set_max_flows },
	{ "max-rate", 0, "BYTES",
	  "Relay no more than so many bytes of application data a second for each allocation, in "
	  "either direction; no limit unless given",
	  "a number of bytes, or 0 for no limit", set_max_rate },
	{ "demote-percent", 0, "N",
	  "Give an automatic choice up when it fails for more than N in a hundred packets of a "
	  "second; 1 unless given",
	  "a number from 1 to 100", set_demote_percent },
	{ "backoff", 0, "FIRST-LONGEST",
	  "Leave a way to relay that has failed alone for FIRST seconds, twice as long each time, "
	  "but never longer than LONGEST; 10-600 unless given",
	  "two numbers of seconds with a dash in between, such as 10-600", set_backoff },
	{ "workers", 0, "N",
	  "Threads that serve clients and relay in user space; as many as CPUs unless given",
	  "a number from 1 to 1024", set_workers },
	{ "control", 0, "PATH", "Control socket, " CONTROL_PATH " unless given",
	  "the path of a socket", set_control },
	{ "config", 0, "FILE",
	  "Read options from a file of 'key = value' lines; the command line wins over it", NULL,
	  NULL },
	{ 0 },
};

static const struct cli_syntax syntax = {
	.command = "turnpike serve",
	.doc = "Serve TURN in the foreground, until SIGINT or SIGTERM.",
	.options = options,
};

enum cli_status serve_config_parse(int argc, char **argv, struct serve_config *config)
{
	struct serve_config result = { .port_lo = 49152,
				       .port_hi = 65535,
				       .n_workers = usable_cpus(),
				       .kernel = { .sz = sizeof(result.kernel) } };
	enum cli_status status = CLI_ERROR;

	if (!replace(&result.realm, "turnpike") && !replace(&result.control, CONTROL_PATH))
		status = cli_parse(&syntax, argc, argv, &result);
	if (status == CLI_OK)
		status = serve_config_check(&result);
	if (status == CLI_OK)
		*config = result;
	else
		serve_config_free(&result);
	return status;
}

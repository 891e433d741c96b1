/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "config/coturn_config.h"
#include "config/serve_config.h"
#include "config/serve_setters.h"

/** More than there are CPUs in any machine that relays. */
#define WORKERS_MAX 1024
#define A_DAY       86400
/** RFC 8656 section 7.2: an allocation lives so long if its client asks for no more. */
#define DEFAULT_LIFETIME 600
/** Descriptors of a Linux process, at most; and so the sockets of relayed transport addresses. */
#define ALLOCATIONS_MAX (1u << 30)

#define FIELD(NAME) .field = offsetof(struct serve_config, NAME)

#define EXPECTS_CIDR  "a prefix such as 192.0.2.0/24 or 2001:db8::/32"
#define EXPECTS_BYTES "a number of bytes a second, or 0 for no limit"
#define EXPECTS_LIMIT "a number, or 0 for no limit"
#define EXPECTS_A_DAY "a number of seconds, at most 86400"

const struct cli_option serve_options[] = {
	{ "listen", 0, "ADDR:PORT",
	  "Serve clients over UDP and TCP at this address of this machine; port 3478 unless given; "
	  ":PORT, or a wildcard, for all addresses (repeatable)",
	  "an address such as 192.0.2.1:3478 or [2001:db8::1]:3478, or :3478 for all addresses",
	  .set = set_listen, .flags = CLI_REPEATABLE },
	{ "listen-tls", 0, "ADDR:PORT",
	  "Serve clients over TLS and DTLS at this address of this machine; port 5349 unless given; "
	  ":PORT, or a wildcard, for all addresses (repeatable)",
	  "an address such as 192.0.2.1:5349 or [2001:db8::1]:5349, or :5349 for all addresses",
	  .set = set_listen_tls, .flags = CLI_REPEATABLE },
	{ "transports", 0, "LIST", "What clients may come over, udp,tcp,tls,dtls unless given",
	  "some of udp, tcp, tls and dtls, with commas in between, such as udp,tls",
	  .set = set_transports },
	{ "cert", 0, "FILE",
	  "Certificate of TLS and DTLS, with those of its issuers behind it, as PEM",
	  "the name of a file", .set = set_cert },
	{ "key", 0, "FILE", "Private key of the certificate, as PEM", "the name of a file",
	  .set = set_key },
	{ "relay-address", 0, "ADDR",
	  "Relay from this address of this machine; the listening addresses unless given "
	  "(repeatable)",
	  "an address without a port, such as 192.0.2.1 or 2001:db8::1", .set = set_relay_address,
	  .flags = CLI_REPEATABLE },
	{ "relay-ports", 0, "LO-HI", "Ports that are relayed from, 49152-65535 unless given",
	  "two ports, the lower one first, such as 49152-65535", .set = set_relay_ports },
	{ "external-ip", 0, "PUB[/PRIV]",
	  "Peers see relay address PRIV, or the only one of that family, as PUB, because of a 1:1 "
	  "NAT (repeatable)",
	  "two addresses of one family, the public one first, such as 203.0.113.1/10.0.0.1, or the "
	  "public one alone",
	  .set = set_external_ip, .flags = CLI_REPEATABLE },
	{ "realm", 0, "REALM", "Realm of the users' credentials, 'turnpike' unless given",
	  "1 to 127 bytes", .set = set_realm },
	{ "user", 0, "NAME:PASSWORD",
	  "Let a user in; instead of the password, 0x and the key that 'turnpike key' prints "
	  "(repeatable)",
	  EXPECTS_USER, .set = set_user, .instead = "--users-file", .flags = CLI_REPEATABLE },
	{ "users-file", 0, "FILE", "Let users in, one a line, as in --user (repeatable)",
	  "the name of a file", .set = set_users_file, .flags = CLI_REPEATABLE },
	{ "auth-secret", 0, "SECRET",
	  "Let everybody in who has a time-limited name and password made with this secret, as of the "
	  "TURN REST API (repeatable)",
	  EXPECTS_SECRET, .set = set_auth_secret, .instead = "--auth-secret-file",
	  .flags = CLI_REPEATABLE },
	{ "auth-secret-file", 0, "FILE", "The same for secrets in a file, one a line (repeatable)",
	  "the name of a file", .set = set_auth_secret_file, .flags = CLI_REPEATABLE },
	{ "user-quota", 0, "N",
	  "Allocations of one user at the same time; 0 for no limit; 256 unless given",
	  EXPECTS_LIMIT, FIELD(user_quota), .max = ALLOCATIONS_MAX },
	{ "max-allocations", 0, "N",
	  "Relayed transport addresses of all users; as many as there are ports and file descriptors "
	  "unless given",
	  EXPECTS_LIMIT, FIELD(max_allocations), .max = ALLOCATIONS_MAX },
	{ "max-permissions", 0, "N", "Permissions of one allocation; 256 unless given",
	  "a number from 1 to 65536", FIELD(max_permissions), .min = 1, .max = 65536 },
	{ "max-channels", 0, "N", "Channels of one allocation; 256 unless given",
	  "a number from 1 to 16384", FIELD(max_channels), .min = 1, .max = 16384 },
	{ "max-lifetime", 0, "SECONDS",
	  "What an allocation lives at most if it is not refreshed; 3600 unless given",
	  "a number of seconds from 600 to 86400", FIELD(max_lifetime), .min = DEFAULT_LIFETIME,
	  .max = A_DAY },
	{ "nonce-lifetime", 0, "SECONDS",
	  "What a nonce is good for before clients need another one; 3600 unless given",
	  "a number of seconds from 1 to 86400", FIELD(nonce_lifetime), .min = 1, .max = A_DAY },
	{ "unauthenticated-rate", 0, "N",
	  "Requests without valid credentials that are answered in a second for one source, an IPv4 "
	  "address or an IPv6 /64, and connections that it may open; 0 for no limit; 100 unless given",
	  EXPECTS_LIMIT, FIELD(unauthenticated_rate), .max = UINT32_MAX },
	{ "max-rate", 0, "BYTES",
	  "Relay no more than so many bytes of application data a second for each allocation, in "
	  "either direction; no limit unless given",
	  EXPECTS_BYTES, FIELD(max_rate), .max = UINT32_MAX },
	{ "user-rate", 0, "BYTES", "The same for all allocations of a user together", EXPECTS_BYTES,
	  FIELD(user_rate), .max = UINT32_MAX },
	{ "total-rate", 0, "BYTES", "The same for all allocations there are", EXPECTS_BYTES,
	  FIELD(total_rate), .max = UINT32_MAX },
	{ "allow-peer", 0, "CIDR", "Allow peers that are refused otherwise (repeatable)",
	  EXPECTS_CIDR, .set = set_allow_peer, .flags = CLI_REPEATABLE },
	{ "deny-peer", 0, "CIDR",
	  "Refuse these peers too, besides addresses that are never public (repeatable)",
	  EXPECTS_CIDR, .set = set_deny_peer, .flags = CLI_REPEATABLE },
	{ "alternate-server", 0, "ADDR:PORT",
	  "Send clients there when this server takes no more; port 3478 unless given (repeatable)",
	  "an address such as 192.0.2.2:3478 or [2001:db8::2]:3478", .set = set_alternate_server,
	  .flags = CLI_REPEATABLE },
	{ "dev", 0, "IF[=MODE[/MOVES]]",
	  "Relay packets that come in by this device, in its own mode if one is given; those that "
	  "carry the listening and relay addresses unless given (repeatable)",
	  "the name of a device, such as eth0, and perhaps a mode, such as eth0=tc",
	  .set = set_device, .flags = CLI_REPEATABLE },
	{ "mode", 0, "MODE",
	  "Where packets are relayed: auto (the best that each device takes; the default), "
	  "xdp-native, xdp-generic, tc or userspace",
	  "auto, xdp-native, xdp-generic, tc or userspace", .set = set_mode },
	{ "moves", 0, "MOVES",
	  "Which end of a frame moves first when its headers grow or shrink: auto (the default), "
	  "head or tail",
	  "auto, head or tail", .set = set_moves },
	{ "tc-hook", 0, "HOOK",
	  "How mode tc hangs on a device: auto (the best that the kernel has; the default), tcx "
	  "or clsact",
	  "auto, tcx or clsact", .set = set_tc_hook },
	{ "max-flows", 0, "N",
	  "Flows of each family that fit into the kernel, two a channel; 65536 unless given",
	  "a number, at least 2", FIELD(datapath.max_flows), .min = 2, .max = UINT32_MAX },
	{ "demote-percent", 0, "N",
	  "Give an automatic choice up when it fails for more than N in a hundred packets of a "
	  "second; 1 unless given",
	  "a number from 1 to 100", FIELD(datapath.demote_percent), .min = 1, .max = 100 },
	{ "backoff", 0, "FIRST-LONGEST",
	  "Leave a way to relay that has failed alone for FIRST seconds, twice as long each time, "
	  "but never longer than LONGEST; 10-600 unless given",
	  "two numbers of seconds with a dash in between, such as 10-600", .set = set_backoff },
	{ "workers", 0, "N",
	  "Threads that serve clients and relay in user space; as many as CPUs unless given",
	  "a number from 1 to 1024", FIELD(n_workers), .min = 1, .max = WORKERS_MAX },
	{ "drain-time", 0, "SECONDS",
	  "How long to serve the allocations there are after SIGTERM, before stopping; 60 unless "
	  "given",
	  EXPECTS_A_DAY, FIELD(drain_time), .max = A_DAY },
	{ "run-as", 0, "USER[:GROUP]", "Go on as this user, once what needs privileges is done",
	  "a user, and perhaps a group behind a colon, such as turnpike:turnpike",
	  .set = set_run_as },
	{ "log-level", 0, "LEVEL", "Log error, warning, info (the default) or debug",
	  "error, warning, info or debug", .set = set_log_level },
	{ "log-json", 0, NULL, "Log one JSON object a line", NULL, FIELD(log_json) },
	{ "log-addresses", 0, NULL, "Log clients' and peers' addresses, too", NULL,
	  FIELD(log_addresses) },
	{ "control", 0, "PATH", "Control socket, " CONTROL_PATH " unless given",
	  "the path of a socket", .set = set_control },
	{ "config", 0, "FILE",
	  "Read options from a file of 'key = value' lines; the command line wins over it "
	  "(repeatable)",
	  .read = config_file_read },
	{ "coturn-config", 0, "FILE",
	  "Read options from a turnserver.conf of coturn, and name what cannot be taken over "
	  "(repeatable)",
	  .read = coturn_config_read },
	{ "check-config", 0, NULL,
	  "Read and check the options and the files that they name, tell what would be served, and "
	  "end",
	  NULL, FIELD(check_only), .flags = CLI_NO_KEY },
	{ 0 },
};

static const struct cli_syntax syntax = {
	.command = "turnpike serve",
	.doc = "Serve TURN in the foreground, until SIGINT or SIGTERM.",
	.options = serve_options,
};

static uint32_t usable_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : (uint32_t)CPU_COUNT(&cpus);
}

int serve_config_init(struct serve_config *config)
{
	char realm[] = "turnpike", control[] = CONTROL_PATH;
	struct turn_config turn;

	turn_config_init(&turn);
	*config = (struct serve_config){
		.transports = (1u << TURN_TRANSPORTS) - 1,
		.port_lo = turn.port_lo,
		.port_hi = turn.port_hi,
		.user_quota = 256,
		.max_permissions = turn.max_permissions,
		.max_channels = turn.max_channels,
		.max_lifetime = turn.max_lifetime,
		.nonce_lifetime = turn.nonce_lifetime,
		.unauthenticated_rate = 100,
		.drain_time = 60,
		.n_workers = usable_cpus(),
		.log_level = LOG_INFO,
		.datapath = { .sz = sizeof(config->datapath) },
	};
	return set_realm(config, realm) || set_control(config, control) ? -ENOMEM : 0;
}

/* What cli_parse() hides among the arguments is needed again when they are read anew. */
static int copy_arguments(int argc, char **argv, struct serve_config *config)
{
	config->argv = calloc((size_t)argc + 1, sizeof(*config->argv));
	if (!config->argv)
		return -ENOMEM;
	for (; config->argc < argc; config->argc++) {
		config->argv[config->argc] = strdup(argv[config->argc]);
		if (!config->argv[config->argc])
			return -ENOMEM;
	}
	return 0;
}

static enum cli_status parse_and_check(const struct cli_syntax *how, int argc, char **argv,
				       struct serve_config *config)
{
	enum cli_status status = cli_parse(how, argc, argv, config);

	if (status == CLI_OK)
		status = serve_secrets_of_environment(config);
	return status == CLI_OK ? serve_config_check(config) : status;
}

static enum cli_status parse(const struct cli_syntax *how, int argc, char **argv,
			     struct serve_config *config)
{
	struct serve_config result;
	enum cli_status status;

	if (serve_config_init(&result) || copy_arguments(argc, argv, &result))
		status = cli_no_memory();
	else
		status = parse_and_check(how, argc, argv, &result);
	if (status == CLI_OK) {
		*config = result;
		return status;
	}
	/* Whoever asks whether the options are right is told no by one status. */
	if (result.check_only)
		status = CLI_USAGE;
	serve_config_free(&result);
	return status;
}

enum cli_status serve_config_parse(int argc, char **argv, struct serve_config *config)
{
	return parse(&syntax, argc, argv, config);
}

enum cli_status serve_config_reparse(const struct serve_config *before, struct serve_config *config)
{
	struct serve_config copy = { 0 };
	struct cli_syntax again = syntax;
	enum cli_status status;

	again.again = true;
	status = copy_arguments(before->argc, before->argv, &copy)
			 ? cli_no_memory()
			 : parse(&again, copy.argc, copy.argv, config);
	serve_config_free(&copy);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_file.h"
#include "config/coturn_config.h"
#include "config/cpus.h"
#include "config/reload.h"
#include "config/serve_config.h"
#include "config/serve_secrets.h"
#include "config/serve_setters.h"

#define WORKERS_MAX 1024
/** The kernel refuses larger hash maps of this element size with E2BIG. */
#define FLOWS_MAX (1u << 24)
#define A_DAY     86400
/** RFC 8656 section 7.2: the lifetime of an allocation whose client requests none. */
#define DEFAULT_LIFETIME 600
/** A sixteenth: far more than a user needs, and it takes many of them to use up a table. */
#define DEFAULT_SHARE 6
/** The kernel's own limit on descriptors (fs.nr_open); each relayed address needs a socket. */
#define ALLOCATIONS_MAX (1u << 30)

#define FIELD(NAME) .field = offsetof(struct serve_config, NAME)

#define EXPECTS_ADDR                                                                         \
	"an address such as 192.0.2.1:3478 or [2001:db8::1]:3478, IPv6 in brackets, with a " \
	"port from 1 to 65535 or none"
#define EXPECTS_CIDR  "a prefix such as 192.0.2.0/24 or 2001:db8::/32"
#define EXPECTS_PEERS EXPECTS_CIDR ", or private"
#define EXPECTS_TRANSLATED \
	"an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits, such as 2001:db8:64::/96"
#define EXPECTS_FILE        "a file name"
#define EXPECTS_LIMIT       "a number, or 0 for no limit"
#define EXPECTS_RATE        "a number of bytes per second, or 0 for no limit"
#define EXPECTS_PACKET_RATE "a number of packets per second, or 0 for no limit"
#define EXPECTS_SHARE       "a percentage from 1 to 100, or 0 for no limit"
#define EXPECTS_METRICS                                                                             \
	"an address such as 127.0.0.1:9641 or [::1]:9641, IPv6 in brackets, with a port from 1 to " \
	"65535 or none"
#define EXPECTS_LISTEN EXPECTS_ADDR ", or :3478 for all that clients can reach"

const struct cli_option serve_options[] = {
	{ "config", 0, "FILE",
	  "Read options from FILE, which has 'key = value' lines. The command line takes "
	  "precedence.",
	  .group = "Configuration", .read = config_file_read, .flags = CLI_REPEATABLE },
	{ "coturn-config", 0, "FILE",
	  "Read options from a turnserver.conf of coturn, and report each key that does not "
	  "apply.",
	  .read = coturn_config_read, .flags = CLI_REPEATABLE },
	{ "check-config", 0, NULL,
	  "Check whether the server would start: options, files, addresses, devices and modes. "
	  "Print what would be served, and exit.",
	  FIELD(check_only), .flags = CLI_NO_KEY },
	{ "as", 0, "USER", "With --check-config: read the files as this user, too.",
	  "a user, optionally with a group, such as turnpike:turnpike", .set = set_as,
	  .flags = CLI_NO_KEY },

	{ "listen", 0, "ADDR:PORT",
	  "Serve clients over UDP and TCP on this local address. ':PORT' or a wildcard address "
	  "selects the local addresses that clients can reach. The default port is 3478.",
	  EXPECTS_LISTEN, .group = "Listening", .set = set_listen, .flags = CLI_REPEATABLE },
	{ "listen-tls", 0, "ADDR:PORT",
	  "Serve clients over TLS and DTLS on this local address. ':PORT' or a wildcard address "
	  "selects the local addresses that clients can reach. The default port is 5349.",
	  EXPECTS_LISTEN, .set = set_listen_tls, .flags = CLI_REPEATABLE },
	{ "transports", 0, "LIST", "Accept clients over these transports only.",
	  "a comma-separated list of udp, tcp, tls and dtls, such as udp,tls",
	  .set = set_transports, .fallback = "udp,tcp,tls,dtls" },
	{ "deny-client", 0, "CIDR",
	  "Drop everything from clients in this prefix: answer no datagram, and close connections "
	  "before the handshake.",
	  EXPECTS_CIDR, .set = set_deny_client, .flags = CLI_REPEATABLE },
	{ "cert", 0, "FILE", "PEM file with the certificate for TLS and DTLS and its chain.",
	  EXPECTS_FILE, .set = set_cert },
	{ "key", 0, "FILE", "PEM file with the private key of the certificate.", EXPECTS_FILE,
	  .set = set_key },

	{ "relay-address", 0, "ADDR", "Relay from this local address.",
	  "an address without a port, such as 192.0.2.1 or 2001:db8::1", .group = "Relaying",
	  .set = set_relay_address, .flags = CLI_REPEATABLE,
	  .fallback = "the address that the client came to" },
	{ "relay-ports", 0, "LO-HI", "Allocate relayed transport addresses from this port range.",
	  "a port range such as 49152-65535", .set = set_relay_ports, .fallback = "49152-65535" },
	{ "external-ip", 0, "PUB[/PRIV]",
	  "A 1:1 NAT maps relay address PRIV to PUB. PRIV may be omitted if only one relay address "
	  "has that family.",
	  "a public and a private address of one family, such as 203.0.113.1/10.0.0.1, or the "
	  "public one alone",
	  .set = set_external_ip, .flags = CLI_REPEATABLE },
	{ "allow-peer", 0, "CIDR",
	  "Permit peers in this prefix. Overrides --deny-peer. Addresses of this machine, metadata "
	  "services of clouds, and ranges that are not public are permitted only if the prefix is "
	  "theirs. 'private' stands for all private networks.",
	  EXPECTS_PEERS, .set = set_allow_peer, .flags = CLI_REPEATABLE },
	{ "deny-peer", 0, "CIDR",
	  "Reject peers in this prefix, in addition to addresses of this machine, metadata services "
	  "of clouds, and ranges that are not public. 'private' stands for all private networks, "
	  "which are rejected by default if a relay address is public.",
	  EXPECTS_PEERS, .set = set_deny_peer, .flags = CLI_REPEATABLE },
	{ "translated-prefix", 0, "CIDR",
	  "The network translates this IPv6 prefix to IPv4 (NAT64). Reject peers in it, as in the "
	  "well-known prefixes: IPv4 peers have IPv4 addresses only.",
	  EXPECTS_TRANSLATED, .set = set_translated_prefix, .flags = CLI_REPEATABLE },
	{ "alternate-server", 0, "ADDR:PORT",
	  "Redirect clients to this server when no further allocation is accepted. The default "
	  "port is 3478.",
	  EXPECTS_ADDR, .set = set_alternate_server, .flags = CLI_REPEATABLE },

	{ "realm", 0, "REALM", "Realm of the long-term credentials.", "1 to 127 bytes",
	  .group = "Authentication", .set = set_realm, .fallback = "turnpike" },
	{ "user", 0, "NAME:PASSWORD",
	  "Accept this user. NAME:0xKEY accepts a key printed by 'turnpike key' in place of the "
	  "password.",
	  EXPECTS_USER, .set = set_user, .instead = "--users-file", .flags = CLI_REPEATABLE },
	{ "users-file", 0, "FILE", "Accept the users in FILE, one per line, as in --user.",
	  EXPECTS_FILE, .set = set_users_file, .flags = CLI_REPEATABLE },
	{ "auth-secret", 0, "SECRET",
	  "Accept time-limited credentials made with this shared secret (TURN REST API).",
	  EXPECTS_SECRET, .set = set_auth_secret, .instead = "--auth-secret-file",
	  .flags = CLI_REPEATABLE },
	{ "auth-secret-file", 0, "FILE", "Accept the shared secrets in FILE, one per line.",
	  EXPECTS_FILE, .set = set_auth_secret_file, .flags = CLI_REPEATABLE },
	{ "keep-removed-users", 0, NULL,
	  "After a reload that removes a user or a secret, or changes a password, let the "
	  "allocations made with it live until they expire, instead of ending them at once.",
	  FIELD(keep_removed_users), .reload = RELOAD_CREDENTIALS },
	{ "nonce-lifetime", 0, "SECONDS", "Lifetime of a nonce.",
	  "a number of seconds from 1 to 86400", FIELD(nonce_lifetime), .min = 1, .max = A_DAY,
	  .reload = RELOAD_SERVER },
	{ "unauthenticated-rate", 0, "N",
	  "Answer at most N requests per second without valid credentials, and accept at most N "
	  "connections per second, from one IPv4 address or IPv6 /64. 0 means no limit.",
	  EXPECTS_LIMIT, FIELD(unauthenticated_rate), .max = UINT32_MAX, .reload = RELOAD_SERVER },
	{ "guess-rate", 0, "N",
	  "Check at most N wrong passwords per second from one IPv4 address or IPv6 /64, and for one "
	  "user. 0 means no limit.",
	  EXPECTS_LIMIT, FIELD(guess_rate), .max = UINT32_MAX, .reload = RELOAD_SERVER },

	{ "user-quota", 0, "N",
	  "Simultaneous allocations of one user, and ports that rest for two minutes after one of "
	  "the user's allocations has ended. 0 means no limit.",
	  EXPECTS_LIMIT, .group = "Limits", FIELD(user_quota), .max = ALLOCATIONS_MAX,
	  .reload = RELOAD_SERVER },
	{ "user-allocations", 0, "N",
	  "New allocations of one user per minute. As many are accepted at once. 0 means no limit.",
	  EXPECTS_LIMIT, FIELD(user_allocations), .max = ALLOCATIONS_MAX, .reload = RELOAD_SERVER },
	{ "user-flows", 0, "PERCENT",
	  "The share of the kernel's flows that one user may take. Data of further peers is relayed "
	  "in user space. 0 means no limit.",
	  EXPECTS_SHARE, FIELD(user_flows), .max = 100, .reload = RELOAD_SERVER },
	{ "user-next-hops", 0, "PERCENT",
	  "The same for next hops: pairs of addresses that packets are relayed between.",
	  EXPECTS_SHARE, FIELD(user_next_hops), .max = 100, .reload = RELOAD_SERVER },
	{ "user-neighbours", 0, "PERCENT",
	  "The same for entries of the host's neighbour table: peers on directly connected networks.",
	  EXPECTS_SHARE, FIELD(user_neighbours), .max = 100, .reload = RELOAD_SERVER },
	{ "max-allocations", 0, "N",
	  "Relayed transport addresses of all users. 0 means as many as there are ports and file "
	  "descriptors.",
	  EXPECTS_LIMIT, FIELD(max_allocations), .max = ALLOCATIONS_MAX, .reload = RELOAD_SERVER },
	{ "max-connections", 0, "N",
	  "Connections over TCP, TLS and DTLS. Half of them may be without an allocation; when there "
	  "are more, the oldest ends. 0 means as many as there are file descriptors for.",
	  EXPECTS_LIMIT, FIELD(max_connections), .max = ALLOCATIONS_MAX, .reload = RELOAD_SERVER },
	{ "max-permissions", 0, "N", "Permissions of one allocation.", "a number from 1 to 65536",
	  FIELD(max_permissions), .min = 1, .max = 65536, .reload = RELOAD_SERVER },
	{ "max-channels", 0, "N", "Channels of one allocation.", "a number from 1 to 16384",
	  FIELD(max_channels), .min = 1, .max = 16384, .reload = RELOAD_SERVER },
	{ "max-lifetime", 0, "SECONDS", "Longest lifetime that a client may request.",
	  "a number of seconds from 600 to 86400", FIELD(max_lifetime), .min = DEFAULT_LIFETIME,
	  .max = A_DAY, .reload = RELOAD_SERVER },
	{ "max-rate", 0, "BYTES",
	  "Bytes per second of one allocation, in either direction: application data, and 90 bytes "
	  "for each packet. 0 means no limit.",
	  EXPECTS_RATE, FIELD(max_rate), .max = UINT32_MAX, .reload = RELOAD_RATES },
	{ "user-rate", 0, "BYTES", "Likewise for all allocations of one user. 0 means no limit.",
	  EXPECTS_RATE, FIELD(user_rate), .max = UINT32_MAX, .reload = RELOAD_RATES },
	{ "user-packet-rate", 0, "PACKETS",
	  "Packets per second of all allocations of one user, in either direction. 0 means no "
	  "limit.",
	  EXPECTS_PACKET_RATE, FIELD(user_packet_rate), .max = UINT32_MAX, .reload = RELOAD_RATES },
	{ "total-rate", 0, "BYTES", "Likewise for all allocations. 0 means no limit.", EXPECTS_RATE,
	  FIELD(total_rate), .max = UINT32_MAX, .reload = RELOAD_RATES },

	{ "dev", 0, "IF[=MODE[/MOVES]]", "Attach to this device, in its own mode if one is given.",
	  "a device name such as eth0, optionally with a mode, such as eth0=tc",
	  .group = "Datapath", .set = set_device, .flags = CLI_REPEATABLE,
	  .fallback = "the devices by which packets of the addresses come in and leave" },
	{ "mode", 0, "MODE",
	  "Where to relay packets: auto (the best mode of each device), xdp-native, xdp-generic, "
	  "tc or userspace.",
	  "auto, xdp-native, xdp-generic, tc or userspace", .set = set_mode, .fallback = "auto" },
	{ "moves", 0, "MOVES",
	  "Which end of the frame to move first when headers grow or shrink: auto, head or tail.",
	  "auto, head or tail", .set = set_moves, .fallback = "auto" },
	{ "tc-hook", 0, "HOOK",
	  "How to attach in mode tc: auto (tcx if the kernel has it), tcx or clsact.",
	  "auto, tcx or clsact", .set = set_tc_hook, .fallback = "auto" },
	{ "xdp-dispatcher", 0, NULL,
	  "Attach XDP by a dispatcher of libxdp even where there is none, so that other programs can "
	  "be attached later. Needs a start as root.",
	  FIELD(xdp_dispatcher) },
	{ "max-flows", 0, "N", "Flows per address family in the kernel. A channel uses two.",
	  "a number from 2 to 16777216", FIELD(datapath.max_flows), .min = 2, .max = FLOWS_MAX,
	  .fallback = "65536" },
	{ "confirm", 0, "SECONDS",
	  "Let one packet of each flow through the host's network stack this often, to confirm that "
	  "the kernel relays it as the stack would. 'off' suits only hosts that do nothing but route.",
	  "a number of seconds from 1 to 3600, or off", .set = set_confirm, .fallback = "10" },
	{ "demote-percent", 0, "N",
	  "Give up an automatically selected mode when it fails for more than N percent of the "
	  "packets of a second.",
	  "a number from 1 to 100", FIELD(datapath.demote_percent), .min = 1, .max = 100,
	  .fallback = "1" },
	{ "backoff", 0, "FIRST-LONGEST",
	  "Retry a failed mode after FIRST seconds, doubling up to LONGEST.",
	  "two numbers of seconds, such as 10-600", .set = set_backoff, .fallback = "10-600" },

	{ "workers", 0, "N", "Threads that serve clients and relay in user space.",
	  "a number from 1 to 1024", .group = "Process", FIELD(n_workers), .min = 1,
	  .max = WORKERS_MAX, .fallback = "the number of usable CPUs" },
	{ "worker-cpus", 0, "LIST",
	  "Let each worker run on one CPU of this list only: the first worker on the first one, and so "
	  "on, from the beginning again if there are more workers.",
	  "a comma-separated list of CPUs and ranges of them, such as 0-3,8",
	  .set = set_worker_cpus, .fallback = "any usable CPU" },
	{ "drain-time", 0, "SECONDS", "How long existing allocations are served after SIGTERM.",
	  "a number of seconds of at most 86400", FIELD(drain_time), .max = A_DAY,
	  .reload = RELOAD_DRAIN },
	{ "run-as", 0, "USER[:GROUP]",
	  "Switch to this user after the privileged part of the start-up. Default for root: "
	  "turnpike, or nobody.",
	  "a user, optionally with a group, such as turnpike:turnpike", .set = set_run_as },
	{ "helper", 0, "PATH",
	  "Let the process that listens on this socket have the privileges, and need none, not even at "
	  "the start: see turnpike-helper.socket of systemd.",
	  "the path of a socket", .set = set_helper, .fallback = "child processes" },
	{ "control", 0, "PATH", "Control socket.", "the path of a socket", .set = set_control,
	  .fallback = CONTROL_PATH },
	{ "control-group", 0, "GROUP",
	  "Give this group access to the control socket, besides the user of the server.",
	  "the name or number of a group", .set = set_control_group,
	  .fallback = "the group of the server" },

	{ "metrics-listen", 0, "ADDR:PORT",
	  "Serve metrics for Prometheus, and health checks, over HTTP on this local address. The "
	  "default port is 9641. Whoever reaches it can read them.",
	  EXPECTS_METRICS, .group = "Monitoring", .set = set_metrics_listen },
	{ "metrics-coturn-names", 0, NULL,
	  "Add the names that coturn gives to its metrics, where these mean the same.",
	  FIELD(metrics_coturn_names) },

	{ "log-level", 0, "LEVEL", "Log error, warning, info or debug, and anything more severe.",
	  "error, warning, info or debug", .group = "Logging", .set = set_log_level,
	  .fallback = "info" },
	{ "log-json", 0, NULL, "Log one JSON object per line.", FIELD(log_json),
	  .reload = RELOAD_LOG },
	{ "log-addresses", 0, NULL, "Include the addresses of clients and peers in the log.",
	  FIELD(log_addresses), .reload = RELOAD_LOG },
	{ "accounting-interval", 0, "SECONDS",
	  "Log what each allocation has relayed so far this often, so that accounting survives a "
	  "crash. 0 means only at its end.",
	  "a number of seconds from 1 to 86400, or 0", FIELD(accounting_interval), .max = A_DAY,
	  .reload = RELOAD_LOG },
	{ 0 },
};

static const struct cli_syntax syntax = {
	.command = "turnpike serve",
	.doc = "Run a TURN server in the foreground until SIGINT or SIGTERM.",
	.options = serve_options,
	.secrets_taken = serve_secrets_mark_given,
};

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
		.user_allocations = 240,
		.user_flows = DEFAULT_SHARE,
		.user_next_hops = DEFAULT_SHARE,
		.user_neighbours = DEFAULT_SHARE,
		.max_permissions = turn.max_permissions,
		.max_channels = turn.max_channels,
		.max_lifetime = turn.max_lifetime,
		.nonce_lifetime = turn.nonce_lifetime,
		.unauthenticated_rate = 100,
		.guess_rate = 10,
		.drain_time = 60,
		.n_workers = cpus_usable(),
		.log_level = LOG_INFO,
		.datapath = { .sz = sizeof(config->datapath) },
	};
	return set_realm(config, realm) || set_control(config, control) ? -ENOMEM : 0;
}

/* A reload parses the arguments again, without the secrets, which cli_parse() has overwritten. */
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

	if (status == CLI_OK && copy_arguments(argc, argv, config))
		return cli_no_memory();
	return status == CLI_OK ? serve_config_check(config) : status;
}

static enum cli_status take_given(const struct serve_config *before, struct serve_config *config)
{
	if (!before)
		return serve_secrets_from_environment(config);
	return serve_secrets_copy_given(before, config) ? cli_no_memory() : CLI_OK;
}

/* @before: NULL: parse for the first time. */
static enum cli_status parse(const struct serve_config *before, const struct cli_syntax *how,
			     int argc, char **argv, struct serve_config *config)
{
	struct serve_config result;
	enum cli_status status;

	status = serve_config_init(&result) ? cli_no_memory() : take_given(before, &result);
	if (status == CLI_OK)
		status = parse_and_check(how, argc, argv, &result);
	if (status == CLI_OK) {
		*config = result;
		return status;
	}
	/* --check-config has one exit status for everything that is wrong. */
	if (result.check_only)
		status = CLI_USAGE;
	serve_config_free(&result);
	return status;
}

enum cli_status serve_config_parse(int argc, char **argv, struct serve_config *config)
{
	return parse(NULL, &syntax, argc, argv, config);
}

enum cli_status serve_config_reparse(const struct serve_config *before, struct serve_config *config)
{
	struct serve_config copy = { 0 };
	struct cli_syntax again = syntax;
	enum cli_status status;

	again.again = true;
	status = copy_arguments(before->argc, before->argv, &copy)
			 ? cli_no_memory()
			 : parse(before, &again, copy.argc, copy.argv, config);
	serve_config_free(&copy);
	return status;
}

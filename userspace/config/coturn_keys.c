/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/coturn_keys.h"

#define FIELD(NAME) .field = offsetof(struct coturn, NAME)

#define DATABASES                                                                               \
	"users, secrets and denied peers in databases are not read: put them into users-file, " \
	"auth-secret-file and deny-peer"
#define NO_HTTP     "nothing here speaks HTTP"
#define CONTROL     "'turnpike status' and others ask the control socket"
#define NO_DATABASE "there is no database"
#define OPENSSL     "OpenSSL chooses"
#define STDERR      "the log goes to stderr, where the service manager takes it"

/* clang-format off: a key is a row */
const struct coturn_key coturn_keys[] = {
	/* Where clients come to. */
	{ "listening-ip", COTURN_TAKEN, COTURN_LISTENER, .option = "listen", FIELD(has_listener),
	  .why = "with listening-port, and as listen-tls with tls-listening-port; without "
		 "it, all addresses but loopback" },
	{ "listening-port", COTURN_TAKEN, COTURN_NUMBER, .option = "listen", FIELD(port) },
	{ "tls-listening-port", COTURN_TAKEN, COTURN_NUMBER, .option = "listen-tls",
	  FIELD(tls_port), .why = "only what cert and pkey are there for" },
	{ "aux-server", COTURN_TAKEN, COTURN_OPTION, .option = "listen" },
	{ "no-udp", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_udp) },
	{ "no-tcp", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_tcp) },
	{ "no-tls", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_tls) },
	{ "no-dtls", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_dtls) },
	{ "listening-device", COTURN_REFUSED, COTURN_ANY,
	  .why = "it would be listened at the addresses of all devices: name those of this "
		 "one with listening-ip" },
	{ "alt-listening-port", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it is for RFC 5780, which is not served" },
	{ "alt-tls-listening-port", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it is for RFC 5780, which is not served" },
	{ "tcp-proxy-port", COTURN_REFUSED, COTURN_ANY,
	  .why = "the proxy protocol is not spoken, so nobody could come by the proxy: let "
		 "clients connect directly" },
	{ "udp-self-balance", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "all workers serve every address" },
	{ "relay-threads", COTURN_TAKEN, COTURN_NUMBER, .option = "workers", FIELD(threads),
	  .why = "0 is 1" },
	{ "ne", COTURN_NEEDLESS, COTURN_ANY, .why = "there is one kind of network engine" },

	/* Certificates. */
	{ "cert", COTURN_TAKEN, COTURN_FILE, .option = "cert", FIELD(has_cert),
	  .why = "relative to where this file is" },
	{ "pkey", COTURN_TAKEN, COTURN_FILE, .option = "key", FIELD(has_pkey),
	  .why = "relative to where this file is" },
	{ "pkey-pwd", COTURN_REFUSED, COTURN_ANY,
	  .why = "the private key has to be without a passphrase: take it off with openssl "
		 "pkey, and keep the file readable for the server only" },
	{ "CA-file", COTURN_REFUSED, COTURN_ANY,
	  .why = "clients are not asked for certificates, so everybody could come by TLS" },
	{ "raw-public-keys", COTURN_MISSING, COTURN_FLAG, .why = "TLS is with certificates" },
	{ "cipher-list", COTURN_MISSING, COTURN_ANY,
	  .why = "ciphers are OpenSSL's defaults for TLS 1.2 and later" },
	{ "no-sslv2", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS begin with 1.2" },
	{ "no-sslv3", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS begin with 1.2" },
	{ "no-tlsv1", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS begin with 1.2" },
	{ "no-tlsv1_1", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS begin with 1.2" },
	{ "no-tlsv1_2", COTURN_MISSING, COTURN_FLAG, .why = "TLS and DTLS begin with 1.2" },
	{ "dh-file", COTURN_NEEDLESS, COTURN_ANY, .why = OPENSSL },
	{ "dh566", COTURN_NEEDLESS, COTURN_FLAG, .why = OPENSSL },
	{ "dh1066", COTURN_NEEDLESS, COTURN_FLAG, .why = OPENSSL },
	{ "ec-curve-name", COTURN_NEEDLESS, COTURN_ANY, .why = OPENSSL },

	/* Where peers are reached from. */
	{ "relay-ip", COTURN_TAKEN, COTURN_OPTION, .option = "relay-address" },
	{ "external-ip", COTURN_TAKEN, COTURN_OPTION, .option = "external-ip",
	  .why = "without a private address, there may be one relay address of that family" },
	{ "min-port", COTURN_TAKEN, COTURN_NUMBER, .option = "relay-ports", FIELD(min_port) },
	{ "max-port", COTURN_TAKEN, COTURN_NUMBER, .option = "relay-ports", FIELD(max_port) },
	{ "relay-device", COTURN_REFUSED, COTURN_ANY,
	  .why = "it would be relayed by all devices: name the addresses of this one with "
		 "relay-ip" },
	{ "no-udp-relay", COTURN_REFUSED, COTURN_FLAG, .why = "peers are reached over UDP only" },
	{ "no-tcp-relay", COTURN_NEEDLESS, COTURN_FLAG, .why = "peers are reached over UDP only" },
	{ "keep-address-family", COTURN_MISSING, COTURN_FLAG,
	  .why = "clients that ask for no family get IPv4, as of RFC 8656" },
	{ "allocation-default-address-family", COTURN_MISSING, COTURN_ANY, .same = "ipv4",
	  .why = "clients that ask for no family get IPv4, as of RFC 8656" },
	{ "server-relay", COTURN_MISSING, COTURN_FLAG, .why = "peers always need permissions" },

	/* Who is let in. */
	{ "lt-cred-mech", COTURN_NEEDLESS, COTURN_FLAG, .why = "credentials are always needed" },
	{ "no-auth", COTURN_REFUSED, COTURN_FLAG,
	  .why = "nobody relays without credentials: give users or secrets, and leave this "
		 "out" },
	{ "user", COTURN_TAKEN, COTURN_USER, .option = "user",
	  .why = "not together with secrets, as in coturn" },
	{ "realm", COTURN_TAKEN, COTURN_OPTION, .option = "realm", FIELD(has_realm),
	  .why = "without it, turnpike, not the name of the domain" },
	{ "use-auth-secret", COTURN_TAKEN, COTURN_FLAG, .option = "auth-secret",
	  FIELD(use_auth_secret), .why = "needs static-auth-secret, because there is no database" },
	{ "static-auth-secret", COTURN_TAKEN, COTURN_OPTION, .option = "auth-secret",
	  FIELD(has_secret) },
	{ "rest-api-separator", COTURN_REFUSED, COTURN_ANY, .same = ":",
	  .why = "time-limited names have a colon behind the time, so nobody could come in" },
	{ "secret-ts-exp-time", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "the time in a name says how long it is good" },
	{ "stale-nonce", COTURN_TAKEN, COTURN_NUMBER, .option = "nonce-lifetime",
	  FIELD(stale_nonce), .empty = "600", .why = "0 is a day; without it, an hour" },
	{ "userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "db", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "psql-userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "sql-userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "mysql-userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "mongo-userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "redis-userdb", COTURN_REFUSED, COTURN_ANY, .why = DATABASES },
	{ "secret-key-file", COTURN_NEEDLESS, COTURN_ANY, .why = NO_DATABASE },
	{ "no-auth-pings", COTURN_NEEDLESS, COTURN_FLAG, .why = NO_DATABASE },
	{ "no-dynamic-ip-list", COTURN_NEEDLESS, COTURN_FLAG, .why = NO_DATABASE },
	{ "no-dynamic-realms", COTURN_NEEDLESS, COTURN_FLAG, .why = NO_DATABASE },
	{ "oauth", COTURN_MISSING, COTURN_FLAG, .why = "tokens of RFC 7635 let nobody in" },
	{ "server-name", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it is for tokens of RFC 7635, which let nobody in" },
	{ "check-origin-consistency", COTURN_MISSING, COTURN_FLAG,
	  .why = "ORIGIN is not looked at" },
	{ "secure-stun", COTURN_MISSING, COTURN_FLAG,
	  .why = "Binding requests are answered without credentials, as many as "
		 "unauthenticated-rate says" },
	{ "mobility", COTURN_MISSING, COTURN_FLAG,
	  .why = "clients whose address has changed need a new allocation" },

	/* Which peers. */
	{ "allowed-peer-ip", COTURN_TAKEN, COTURN_RANGE, .option = "allow-peer",
	  .why = "it wins over denied-peer-ip, as in coturn; loopback addresses are not taken" },
	{ "denied-peer-ip", COTURN_TAKEN, COTURN_RANGE, .option = "deny-peer" },
	{ "no-multicast-peers", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "multicast addresses are never peers" },
	{ "no-loopback-peers", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "loopback addresses are never peers" },
	{ "allow-loopback-peers", COTURN_MISSING, COTURN_FLAG,
	  .why = "loopback addresses are never peers, unless allow-peer names them" },

	/* How much. */
	{ "user-quota", COTURN_TAKEN, COTURN_OPTION, .option = "user-quota",
	  .why = "without it, 256, not any number" },
	{ "total-quota", COTURN_TAKEN, COTURN_OPTION, .option = "max-allocations",
	  .why = "what is counted is relayed transport addresses: an allocation for both "
		 "families has two" },
	{ "max-bps", COTURN_TAKEN, COTURN_OPTION, .option = "max-rate",
	  .why = "bytes a second in both; application data only" },
	{ "bps-capacity", COTURN_ALMOST, COTURN_OPTION, .option = "total-rate",
	  .why = "it limits what is relayed, while coturn limits the sum of what sessions "
		 "might relay" },
	{ "max-allocate-lifetime", COTURN_TAKEN, COTURN_OPTION, .option = "max-lifetime",
	  .empty = "3600", .why = "at least 600" },
	{ "max-allocate-timeout", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "nothing is kept of a client that has no allocation" },
	{ "channel-lifetime", COTURN_MISSING, COTURN_ANY, .empty = "600", .same = "600",
	  .why = "RFC 8656 says 600 s" },
	{ "permission-lifetime", COTURN_MISSING, COTURN_ANY, .empty = "300", .same = "300",
	  .why = "RFC 8656 says 300 s" },

	/* Other servers. */
	{ "alternate-server", COTURN_ALMOST, COTURN_OPTION, .option = "alternate-server",
	  .why = "clients are sent there only when this server takes no more allocations" },
	{ "tls-alternate-server", COTURN_MISSING, COTURN_ANY,
	  .why = "the servers of alternate-server are for clients of all transports" },

	/* STUN. */
	{ "stun-only", COTURN_REFUSED, COTURN_FLAG, .why = "whoever has credentials could relay" },
	{ "no-stun", COTURN_MISSING, COTURN_FLAG,
	  .why = "Binding requests are answered, as many as unauthenticated-rate says" },
	{ "fingerprint", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "answers have a FINGERPRINT if the request has one" },
	{ "software-attribute", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "answers have a SOFTWARE attribute" },
	{ "no-software-attribute", COTURN_MISSING, COTURN_FLAG,
	  .why = "answers have a SOFTWARE attribute" },
	{ "prod", COTURN_MISSING, COTURN_FLAG, .why = "answers have a SOFTWARE attribute" },
	{ "no-rfc5780", COTURN_NEEDLESS, COTURN_FLAG, .why = "RFC 5780 is not served" },
	{ "response-origin-only-with-rfc5780", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "RFC 5780 is not served" },
	{ "no-stun-backward-compatibility", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "there is no answer to requests of RFC 3489" },

	/* The process. */
	{ "proc-user", COTURN_TAKEN, COTURN_TEXT, .option = "run-as", FIELD(user) },
	{ "proc-group", COTURN_TAKEN, COTURN_TEXT, .option = "run-as", FIELD(group),
	  .why = "only together with proc-user" },
	{ "daemon", COTURN_MISSING, COTURN_FLAG,
	  .why = "it stays in the foreground, where a service manager wants it" },
	{ "pidfile", COTURN_NEEDLESS, COTURN_ANY, .why = "the service manager knows the process" },
	{ "verbose", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "what it tells of is said anyway; see log-level" },
	{ "Verbose", COTURN_TAKEN, COTURN_FLAG, .option = "log-level", FIELD(verbose),
	  .why = "debug" },
	{ "log-file", COTURN_MISSING, COTURN_ANY, .why = STDERR },
	{ "no-stdout-log", COTURN_NEEDLESS, COTURN_FLAG, .why = STDERR },
	{ "syslog", COTURN_NEEDLESS, COTURN_FLAG, .why = STDERR },
	{ "syslog-facility", COTURN_NEEDLESS, COTURN_ANY, .why = STDERR },
	{ "simple-log", COTURN_NEEDLESS, COTURN_FLAG, .why = STDERR },
	{ "new-log-timestamp", COTURN_NEEDLESS, COTURN_FLAG, .why = STDERR },
	{ "new-log-timestamp-format", COTURN_NEEDLESS, COTURN_ANY, .why = STDERR },
	{ "log-binding", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "requests are logged at level debug" },
	{ "no-cli", COTURN_NEEDLESS, COTURN_FLAG, .why = CONTROL },
	{ "cli-ip", COTURN_NEEDLESS, COTURN_ANY, .why = CONTROL },
	{ "cli-port", COTURN_NEEDLESS, COTURN_ANY, .why = CONTROL },
	{ "cli-password", COTURN_NEEDLESS, COTURN_ANY, .why = CONTROL },
	{ "cli-max-output-sessions", COTURN_NEEDLESS, COTURN_ANY, .why = CONTROL },
	{ "redis-statsdb", COTURN_MISSING, COTURN_ANY,
	  .why = "'turnpike stats -j' tells what is relayed" },
	{ "prometheus", COTURN_MISSING, COTURN_FLAG,
	  .why = "'turnpike stats -j' tells what is relayed" },
	{ "prometheus-port", COTURN_MISSING, COTURN_ANY,
	  .why = "'turnpike stats -j' tells what is relayed" },
	{ "prometheus-address", COTURN_MISSING, COTURN_ANY,
	  .why = "'turnpike stats -j' tells what is relayed" },
	{ "prometheus-username-labels", COTURN_MISSING, COTURN_FLAG,
	  .why = "'turnpike stats -j' tells what is relayed" },
	{ "web-admin", COTURN_MISSING, COTURN_FLAG, .why = NO_HTTP },
	{ "web-admin-ip", COTURN_NEEDLESS, COTURN_ANY, .why = NO_HTTP },
	{ "web-admin-port", COTURN_NEEDLESS, COTURN_ANY, .why = NO_HTTP },
	{ "web-admin-listen-on-workers", COTURN_NEEDLESS, COTURN_FLAG, .why = NO_HTTP },
	{ "acme-redirect", COTURN_MISSING, COTURN_ANY, .why = NO_HTTP },
	{ "respond-http-unsupported", COTURN_MISSING, COTURN_FLAG, .why = NO_HTTP },
	{ .name = NULL },
};
/* clang-format on */

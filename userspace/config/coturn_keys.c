/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/coturn_keys.h"

#define FIELD(NAME) .field = offsetof(struct coturn, NAME)

#define DATABASES                                                                          \
	"databases of users, secrets and denied peers are not supported: use users-file, " \
	"auth-secret-file and deny-peer"
#define NO_HTTP     "there is no HTTP server"
#define METRICS     "metrics-listen and metrics-coturn-names take its place"
#define CONTROL     "'turnpike status' and other commands use the control socket"
#define NO_DATABASE "there is no database"
#define OPENSSL     "OpenSSL chooses"
#define STDERR      "the log goes to stderr, where the service manager collects it"

/* clang-format off: one row per key */
const struct coturn_key coturn_keys[] = {
	/* Listeners. */
	{ "listening-ip", COTURN_TAKEN, COTURN_LISTENER, .option = "listen", FIELD(has_listener),
	  .why = "with listening-port, and as listen-tls with tls-listening-port; without "
		 "it, the local addresses that clients can reach" },
	{ "listening-port", COTURN_TAKEN, COTURN_NUMBER, .option = "listen", FIELD(port) },
	{ "tls-listening-port", COTURN_TAKEN, COTURN_NUMBER, .option = "listen-tls",
	  FIELD(tls_port), .why = "only together with cert and pkey" },
	{ "aux-server", COTURN_TAKEN, COTURN_OPTION, .option = "listen" },
	{ "no-udp", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_udp) },
	{ "no-tcp", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_tcp) },
	{ "no-tls", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_tls) },
	{ "no-dtls", COTURN_TAKEN, COTURN_FLAG, .option = "transports", FIELD(no_dtls) },
	{ "listening-device", COTURN_REFUSED, COTURN_ANY,
	  .why = "the server would listen on the addresses of all devices: list those of "
		 "this device with listening-ip" },
	{ "alt-listening-port", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it belongs to RFC 5780, which is not supported" },
	{ "alt-tls-listening-port", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it belongs to RFC 5780, which is not supported" },
	{ "tcp-proxy-port", COTURN_REFUSED, COTURN_ANY,
	  .why = "the PROXY protocol is not supported, so no client could connect through "
		 "the proxy: let clients connect directly" },
	{ "udp-self-balance", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "every worker serves every address" },
	{ "relay-threads", COTURN_TAKEN, COTURN_NUMBER, .option = "workers", FIELD(threads),
	  .why = "0 becomes 1" },
	{ "ne", COTURN_NEEDLESS, COTURN_ANY, .why = "there is only one network engine" },

	/* Certificates. */
	{ "cert", COTURN_TAKEN, COTURN_FILE, .option = "cert", FIELD(has_cert),
	  .why = "relative to the directory of this file" },
	{ "pkey", COTURN_TAKEN, COTURN_FILE, .option = "key", FIELD(has_pkey),
	  .why = "relative to the directory of this file" },
	{ "pkey-pwd", COTURN_REFUSED, COTURN_ANY,
	  .why = "the private key must not have a passphrase: remove it with openssl pkey, "
		 "and let only the server read the file" },
	{ "CA-file", COTURN_REFUSED, COTURN_ANY,
	  .why = "client certificates are not verified, so any client could use TLS: remove "
		 "the key if that is acceptable" },
	{ "raw-public-keys", COTURN_MISSING, COTURN_FLAG, .why = "TLS always uses certificates" },
	{ "cipher-list", COTURN_MISSING, COTURN_ANY,
	  .why = "the ciphers are those of TLS 1.3, and ECDHE with AES-GCM or ChaCha20 of TLS "
		 "1.2" },
	{ "no-sslv2", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS start at version 1.2" },
	{ "no-sslv3", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS start at version 1.2" },
	{ "no-tlsv1", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS start at version 1.2" },
	{ "no-tlsv1_1", COTURN_NEEDLESS, COTURN_FLAG, .why = "TLS and DTLS start at version 1.2" },
	{ "no-tlsv1_2", COTURN_MISSING, COTURN_FLAG, .why = "TLS and DTLS start at version 1.2" },
	{ "dh-file", COTURN_NEEDLESS, COTURN_ANY, .why = OPENSSL },
	{ "dh566", COTURN_NEEDLESS, COTURN_FLAG, .why = OPENSSL },
	{ "dh1066", COTURN_NEEDLESS, COTURN_FLAG, .why = OPENSSL },
	{ "ec-curve-name", COTURN_NEEDLESS, COTURN_ANY, .why = OPENSSL },

	/* Relayed transport addresses. */
	{ "relay-ip", COTURN_TAKEN, COTURN_OPTION, .option = "relay-address" },
	{ "external-ip", COTURN_TAKEN, COTURN_OPTION, .option = "external-ip",
	  .why = "without a private address, only one relay address may have that family" },
	{ "min-port", COTURN_TAKEN, COTURN_NUMBER, .option = "relay-ports", FIELD(min_port) },
	{ "max-port", COTURN_TAKEN, COTURN_NUMBER, .option = "relay-ports", FIELD(max_port) },
	{ "relay-device", COTURN_REFUSED, COTURN_ANY,
	  .why = "the server would relay from all devices: list the addresses of this "
		 "device with relay-ip" },
	{ "no-udp-relay", COTURN_REFUSED, COTURN_FLAG, .why = "peers are reached over UDP only" },
	{ "no-tcp-relay", COTURN_NEEDLESS, COTURN_FLAG, .why = "peers are reached over UDP only" },
	{ "keep-address-family", COTURN_MISSING, COTURN_FLAG,
	  .why = "clients that request no family get IPv4, as RFC 8656 requires" },
	{ "allocation-default-address-family", COTURN_MISSING, COTURN_ANY, .same = "ipv4",
	  .why = "clients that request no family get IPv4, as RFC 8656 requires" },
	{ "server-relay", COTURN_MISSING, COTURN_FLAG, .why = "peers always need permissions" },

	/* Authentication. */
	{ "lt-cred-mech", COTURN_NEEDLESS, COTURN_FLAG, .why = "credentials are always required" },
	{ "no-auth", COTURN_REFUSED, COTURN_FLAG,
	  .why = "credentials are always required: configure users or secrets, and remove "
		 "this key" },
	{ "user", COTURN_TAKEN, COTURN_USER, .option = "user",
	  .why = "ignored together with secrets, as in coturn" },
	{ "realm", COTURN_TAKEN, COTURN_OPTION, .option = "realm", FIELD(has_realm),
	  .why = "the default is turnpike, not the domain name" },
	{ "use-auth-secret", COTURN_TAKEN, COTURN_FLAG, .option = "auth-secret",
	  FIELD(use_auth_secret),
	  .why = "requires static-auth-secret, because there is no database" },
	{ "static-auth-secret", COTURN_TAKEN, COTURN_OPTION, .option = "auth-secret",
	  FIELD(has_secret) },
	{ "rest-api-separator", COTURN_REFUSED, COTURN_ANY, .same = ":",
	  .why = "time-limited user names have a colon after the time, so no client could "
		 "authenticate: use a colon" },
	{ "secret-ts-exp-time", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "the time in the user name is when it expires" },
	{ "stale-nonce", COTURN_TAKEN, COTURN_NUMBER, .option = "nonce-lifetime",
	  FIELD(stale_nonce), .empty = "600", .why = "0 becomes a day; the default is an hour" },
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
	{ "oauth", COTURN_MISSING, COTURN_FLAG, .why = "RFC 7635 tokens are not accepted" },
	{ "server-name", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "it belongs to RFC 7635 tokens, which are not accepted" },
	{ "check-origin-consistency", COTURN_MISSING, COTURN_FLAG, .why = "ORIGIN is ignored" },
	{ "secure-stun", COTURN_MISSING, COTURN_FLAG,
	  .why = "Binding requests need no credentials; unauthenticated-rate limits them" },
	{ "mobility", COTURN_MISSING, COTURN_FLAG,
	  .why = "a client whose address changes needs a new allocation" },

	/* Peers. */
	{ "allowed-peer-ip", COTURN_TAKEN, COTURN_RANGE, .option = "allow-peer",
	  .why = "overrides denied-peer-ip, as in coturn; loopback addresses are rejected" },
	{ "denied-peer-ip", COTURN_TAKEN, COTURN_RANGE, .option = "deny-peer",
	  .why = "private networks are rejected anyway if a relay address is public" },
	{ "no-multicast-peers", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "multicast peers are always rejected" },
	{ "no-loopback-peers", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "loopback peers are always rejected" },
	{ "allow-loopback-peers", COTURN_MISSING, COTURN_FLAG,
	  .why = "loopback peers are rejected unless allow-peer permits them" },

	/* Limits. */
	{ "user-quota", COTURN_TAKEN, COTURN_OPTION, .option = "user-quota",
	  .why = "the default is 256, not unlimited; ports count until they have rested" },
	{ "total-quota", COTURN_TAKEN, COTURN_OPTION, .option = "max-allocations",
	  .why = "counts relayed transport addresses: an allocation for both families has "
		 "two" },
	{ "max-bps", COTURN_TAKEN, COTURN_OPTION, .option = "max-rate",
	  .why = "bytes per second in both; each packet counts 90 bytes more than its "
		 "application data" },
	{ "bps-capacity", COTURN_ALMOST, COTURN_OPTION, .option = "total-rate",
	  .why = "it limits the relayed traffic, while coturn limits the sum of what "
		 "sessions may relay" },
	{ "max-allocate-lifetime", COTURN_TAKEN, COTURN_OPTION, .option = "max-lifetime",
	  .empty = "3600", .why = "at least 600" },
	{ "max-allocate-timeout", COTURN_NEEDLESS, COTURN_ANY,
	  .why = "no state is kept for a client without an allocation" },
	{ "channel-lifetime", COTURN_MISSING, COTURN_ANY, .empty = "600", .same = "600",
	  .why = "RFC 8656 requires 600 s" },
	{ "permission-lifetime", COTURN_MISSING, COTURN_ANY, .empty = "300", .same = "300",
	  .why = "RFC 8656 requires 300 s" },

	/* Other servers. */
	{ "alternate-server", COTURN_ALMOST, COTURN_OPTION, .option = "alternate-server",
	  .why = "clients are redirected only when this server accepts no further allocation" },
	{ "tls-alternate-server", COTURN_MISSING, COTURN_ANY,
	  .why = "alternate-server applies to clients on all transports" },

	/* STUN. */
	{ "stun-only", COTURN_REFUSED, COTURN_FLAG,
	  .why = "clients with credentials could relay: configure no users and no secrets" },
	{ "no-stun", COTURN_MISSING, COTURN_FLAG,
	  .why = "Binding requests are answered; unauthenticated-rate limits them" },
	{ "fingerprint", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "a response has a FINGERPRINT if the request has one" },
	{ "software-attribute", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "responses have a SOFTWARE attribute" },
	{ "no-software-attribute", COTURN_MISSING, COTURN_FLAG,
	  .why = "responses have a SOFTWARE attribute" },
	{ "prod", COTURN_MISSING, COTURN_FLAG, .why = "responses have a SOFTWARE attribute" },
	{ "no-rfc5780", COTURN_NEEDLESS, COTURN_FLAG, .why = "RFC 5780 is not supported" },
	{ "response-origin-only-with-rfc5780", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "RFC 5780 is not supported" },
	{ "no-stun-backward-compatibility", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "RFC 3489 requests are not answered" },

	/* The process. */
	{ "proc-user", COTURN_TAKEN, COTURN_TEXT, .option = "run-as", FIELD(user) },
	{ "proc-group", COTURN_TAKEN, COTURN_TEXT, .option = "run-as", FIELD(group),
	  .why = "only together with proc-user" },
	{ "daemon", COTURN_MISSING, COTURN_FLAG,
	  .why = "the server stays in the foreground, as service managers expect" },
	{ "pidfile", COTURN_NEEDLESS, COTURN_ANY, .why = "the service manager tracks the process" },
	{ "verbose", COTURN_NEEDLESS, COTURN_FLAG,
	  .why = "the default log level covers it; see log-level" },
	{ "Verbose", COTURN_TAKEN, COTURN_FLAG, .option = "log-level", FIELD(verbose),
	  .why = "log-level = debug" },
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
	  .why = "'turnpike stats -j' reports the relayed traffic" },
	{ "prometheus", COTURN_MISSING, COTURN_FLAG, .why = METRICS },
	{ "prometheus-port", COTURN_MISSING, COTURN_ANY, .why = METRICS },
	{ "prometheus-address", COTURN_MISSING, COTURN_ANY, .why = METRICS },
	{ "prometheus-username-labels", COTURN_MISSING, COTURN_FLAG,
	  .why = "'turnpike users -j' reports the traffic of each user" },
	{ "web-admin", COTURN_MISSING, COTURN_FLAG, .why = NO_HTTP },
	{ "web-admin-ip", COTURN_NEEDLESS, COTURN_ANY, .why = NO_HTTP },
	{ "web-admin-port", COTURN_NEEDLESS, COTURN_ANY, .why = NO_HTTP },
	{ "web-admin-listen-on-workers", COTURN_NEEDLESS, COTURN_FLAG, .why = NO_HTTP },
	{ "acme-redirect", COTURN_MISSING, COTURN_ANY, .why = NO_HTTP },
	{ "respond-http-unsupported", COTURN_MISSING, COTURN_FLAG, .why = NO_HTTP },
	{ .name = NULL },
};
/* clang-format on */

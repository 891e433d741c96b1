/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/explain.h"

#include <errno.h>
#include <openssl/x509_vfy.h>

#include "base/addr.h"
#include "base/special_net.h"
#include "private/array_len.h"

/** ANY matches every method, transport or family. */
#define ANY 0

/* Short names for the tables. */
#define STICKY                                                                                 \
	"Behind a load balancer, send all packets of one client address and port to the same " \
	"server."

/* The first row that matches counts. */
static const struct {
	unsigned int code;
	unsigned int method;
	struct check_finding finding;
} codes[] = {
	{ STUN_TRY_ALTERNATE,
	  ANY,
	  { "300: the server sends clients to another one",
	    "Check that one; if nobody should be sent away, remove the alternate servers, or end the drain." } },
	{ STUN_BAD_REQUEST,
	  ANY,
	  { "400: the server calls the request malformed",
	    "Look into the log of the server; a proxy or a firewall may have changed the request." } },
	{ STUN_UNAUTHENTICATED,
	  ANY,
	  { "401: the server refuses the credentials",
	    "Compare user name and password with those of the server: a key that is stored instead of a "
	    "password is valid for one realm only." } },
	{ TURN_FORBIDDEN,
	  TURN_ALLOCATE,
	  { "403: the server forbids this client or user to allocate",
	    "Remove the client from the denied clients of the server, or the user from the blocked ones." } },
	{ TURN_FORBIDDEN,
	  ANY,
	  { "403: the server forbids this peer",
	    "Permit the addresses of the peers that clients need, the relay's own among them: allow-peer and "
	    "deny-peer of Turnpike, allowed-peer-ip and denied-peer-ip of coturn." } },
	{ STUN_UNKNOWN_ATTRIBUTE,
	  ANY,
	  { "420: the server does not know an attribute that TURN requires",
	    "Update the server: it does not implement RFC 8656." } },
	{ TURN_ALLOCATION_MISMATCH,
	  TURN_ALLOCATE,
	  { "437: the server has an allocation for this client already", STICKY } },
	{ TURN_ALLOCATION_MISMATCH,
	  ANY,
	  { "437: the server does not know the allocation that it has made", STICKY } },
	{ STUN_STALE_NONCE, ANY, { "438: the server calls its own new nonce stale", STICKY } },
	{ TURN_ADDRESS_FAMILY_NOT_SUPPORTED,
	  ANY,
	  { "440: the server does not relay this address family",
	    "Give the server a relay address of this family." } },
	{ TURN_WRONG_CREDENTIALS,
	  ANY,
	  { "441: the server takes the credentials for those of another user", STICKY } },
	{ TURN_UNSUPPORTED_TRANSPORT_PROTOCOL,
	  ANY,
	  { "442: the server does not relay to peers over UDP",
	    "Permit UDP relaying: remove no-udp-relay from the configuration of coturn." } },
	{ TURN_PEER_ADDRESS_FAMILY_MISMATCH,
	  ANY,
	  { "443: the peer has another address family than the relayed address",
	    "Give the server relay addresses of both families." } },
	{ TURN_ALLOCATION_QUOTA_REACHED,
	  ANY,
	  { "486: the user has as many allocations as the quota permits",
	    "Check with a user of its own, or raise the quota: user-quota, and user-allocations of Turnpike." } },
	{ STUN_SERVER_ERROR,
	  ANY,
	  { "500: the server has failed", "Look into the log of the server." } },
	{ TURN_INSUFFICIENT_CAPACITY,
	  ANY,
	  { "508: the server has no port left, or drains",
	    "Enlarge the range of relay ports (relay-ports of Turnpike, min-port and max-port of coturn), or end "
	    "the drain." } },
};

/** struct silence - @kind: 0: any; otherwise 1 + enum turn_transport */
struct silence {
	int err;
	unsigned int kind;
	unsigned int family;
	struct check_finding finding;
};

#define CLOSED                                                                                 \
	{                                                                                      \
		"the connection is closed without an answer",                                  \
			"Look for a proxy or load balancer whose server does not run, or for " \
			"limits of connections in the log of the server.",                     \
	}
#define OVER(transport) (1u + (transport))

static const struct silence silences[] = {
	{ -EKEYREJECTED,
	  ANY,
	  ANY,
	  { "the answer is not signed with the password",
	    "Find out who answers in the place of the server." } },
	{ -ENETUNREACH,
	  ANY,
	  TURNPIKE_IPV6,
	  { "this machine has no route to IPv6",
	    "Check from a machine with IPv6, or only IPv4 with -4." } },
	{ -EADDRNOTAVAIL,
	  ANY,
	  TURNPIKE_IPV6,
	  { "this machine has no IPv6 address",
	    "Check from a machine with IPv6, or only IPv4 with -4." } },
	{ -ENETUNREACH,
	  ANY,
	  ANY,
	  { "this machine has no route to the server", "Check the routes of this machine." } },
	{ -EHOSTUNREACH,
	  ANY,
	  TURNPIKE_IPV6,
	  { "a router or the network says that nobody has this address",
	    "Correct the AAAA record, or give the server this address; without IPv6, remove the record." } },
	{ -EHOSTUNREACH,
	  ANY,
	  ANY,
	  { "a router or the network says that nobody has this address, or a firewall rejects it",
	    "Correct the DNS record, start the machine of the server, or open the port." } },
	{ -EACCES,
	  ANY,
	  ANY,
	  { "a firewall rejects it",
	    "Open the port in the firewalls of this machine and of the server." } },
	{ -EPERM,
	  ANY,
	  ANY,
	  { "the firewall of this machine rejects it",
	    "Open the port in the firewall of this machine." } },
	{ -ECONNREFUSED,
	  ANY,
	  ANY,
	  { "nothing listens on the port, or a firewall rejects it",
	    "Start the server, let it listen on this address, port and transport, or correct the port of the URI." } },
	{ -EPROTO,
	  ANY,
	  ANY,
	  { "what answers is not TLS",
	    "Let the server listen with TLS here (listen-tls with cert and key), move what else has the port, or "
	    "check turn: instead of turns:." } },
	{ -ECONNABORTED,
	  ANY,
	  ANY,
	  { "the server refuses the TLS handshake by an alert",
	    "Give the server a certificate for this name, and permit TLS 1.2 and 1.3 with common ciphers." } },
	{ -EBADMSG,
	  ANY,
	  ANY,
	  { "the answer is not TURN",
	    "Another program or a proxy has this port: move it, or let the TURN server listen on another one." } },
	{ -EPIPE, ANY, ANY, CLOSED },
	{ -ECONNRESET, ANY, ANY, CLOSED },
	{ -ETIMEDOUT,
	  ANY,
	  TURNPIKE_IPV6,
	  { "no answer by IPv6",
	    "Open the port for IPv6, too, in the firewalls in between, and let the server listen on it; without IPv6, "
	    "remove the AAAA record." } },
	{ -ETIMEDOUT,
	  OVER(TURN_UDP),
	  ANY,
	  { "no answer by UDP",
	    "Open the UDP port in the firewalls and security groups in between, and see that the server runs." } },
	{ -ETIMEDOUT,
	  OVER(TURN_DTLS),
	  ANY,
	  { "no DTLS answer by UDP",
	    "Open the UDP port in the firewalls and security groups in between, and let the server serve DTLS." } },
	{ -ETIMEDOUT,
	  ANY,
	  ANY,
	  { "no answer by TCP",
	    "Open the TCP port in the firewalls and security groups in between; if it is open, a proxy accepts "
	    "connections for a server that does not run." } },
};

static const struct {
	int fault;
	struct check_finding finding;
} faults[] = {
	{ X509_V_ERR_HOSTNAME_MISMATCH,
	  { "the certificate is for another name",
	    "Get a certificate for the name that clients use, or let them use the name in the certificate." } },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH,
	  { "the certificate is not for this address",
	    "Use the name in the certificate instead of the address." } },
	{ X509_V_ERR_CERT_HAS_EXPIRED,
	  { "the certificate has expired",
	    "Renew it, and have the server load the new one after each renewal." } },
	{ X509_V_ERR_CERT_NOT_YET_VALID,
	  { "the certificate is not valid yet",
	    "Set the clocks of this machine and of the server." } },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	  { "the certificate is self-signed: browsers refuse it",
	    "Get one from a public authority, or give your authority to all clients (SSL_CERT_FILE for this check)." } },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	  { "the authority of the certificate is private: browsers refuse it",
	    "Get one from a public authority, or give your authority to all clients (SSL_CERT_FILE for this check)." } },
	{ X509_V_ERR_CERT_REVOKED, { "the certificate is revoked", "Get a new one." } },
};

static const struct check_finding without_chain = {
	"the server does not send the intermediate certificate",
	"Give the server the file with the whole chain (fullchain.pem), not only its own certificate.",
};

static const struct check_finding untrusted = {
	"the certificate does not lead to an authority that this machine trusts",
	"Get one from a public authority, or give your authority to all clients (SSL_CERT_FILE for "
	"this check).",
};

static const struct check_finding unknown_code = {
	"the server refuses it by an error code that TURN does not define",
	"Look into the log of the server.",
};

static const struct check_finding unknown_error = {
	"the connection has failed",
	"Look for what is in between, and into the log of the server.",
};

struct check_finding check_explain_code(enum stun_method method, unsigned int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].code == code && (codes[i].method == ANY || codes[i].method == method))
			return codes[i].finding;
	}
	return unknown_code;
}

struct check_finding check_explain_silence(enum turn_transport transport, unsigned int family,
					   int err)
{
	for (size_t i = 0; i < ARRAY_LEN(silences); i++) {
		const struct silence *silence = &silences[i];

		if (silence->err == err &&
		    (silence->kind == ANY || silence->kind == OVER(transport)) &&
		    (silence->family == ANY || silence->family == family))
			return silence->finding;
	}
	return unknown_error;
}

/* With its own certificate only, the server leaves out what leads to the authority. */
static bool is_without_chain(int fault, int n_sent)
{
	return n_sent == 1 && (fault == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
			       fault == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE);
}

struct check_finding check_explain_fault(int fault, int n_sent)
{
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (faults[i].fault == fault)
			return faults[i].finding;
	}
	return is_without_chain(fault, n_sent) ? without_chain : untrusted;
}

static enum special_net kind_of(const struct turnpike_addr *addr)
{
	unsigned int prefix;

	return special_net_find(addr, &prefix);
}

struct check_finding check_explain_relayed(const struct turnpike_addr *relayed,
					   const struct turnpike_addr *server)
{
	static const struct check_finding unusable = {
		"no peer can reach this relayed address",
		"Set the relay address, and external-ip to the public address of the server.",
	};
	static const struct check_finding private = {
		"the relayed address is private, but the server is public: peers cannot reach it",
		"Set external-ip to the public address of the server.",
	};

	/* Loopback is for tests on one machine. */
	if (kind_of(relayed) == SPECIAL_UNUSABLE && !addr_is_loopback(server))
		return unusable;
	if (kind_of(relayed) == SPECIAL_PRIVATE && kind_of(server) == SPECIAL_NONE)
		return private;
	return (struct check_finding){ 0 };
}

struct check_finding check_explain_unreachable(const struct turnpike_addr *relayed,
					       const struct turnpike_addr *server)
{
	static const struct check_finding elsewhere = {
		"no datagram arrives at the relayed address, which is not that of the server",
		"Correct external-ip: it must be the public address that leads to the server. If it does, open "
		"the relay ports for UDP.",
	};
	static const struct check_finding closed = {
		"no datagram arrives at the relayed address",
		"Open the relay ports for UDP in the firewall and security group of the server: 49152-65535, or "
		"the range in its configuration. If they are open, the network of this machine blocks "
		"them: check from another one.",
	};

	return addr_same_ip(relayed, server) ? closed : elsewhere;
}

static enum check_status judge(const struct check_echo *echo, uint32_t warn_rtt, uint32_t crit_loss)
{
	const unsigned int lost = echo->sent - echo->received;

	if (!echo->received || (lost && lost * 100 >= crit_loss * echo->sent))
		return CHECK_CRITICAL;
	return lost || echo->rtt_ms >= warn_rtt ? CHECK_WARNING : CHECK_OK;
}

enum check_status check_explain_echo(const struct check_echo *echo, uint32_t warn_rtt,
				     uint32_t crit_loss, const char **remedy)
{
	const enum check_status status = judge(echo, warn_rtt, crit_loss);

	if (status == CHECK_OK)
		*remedy = NULL;
	else if (!echo->received)
		*remedy =
			"Let the server reach its own relayed addresses: a NAT in front of it must turn "
			"packets back (hairpin), and its firewall must permit them.";
	else if (echo->received < echo->sent)
		*remedy =
			"Look for an overloaded link or server, and for limits of bandwidth in its "
			"configuration.";
	else
		*remedy = "Look for an overloaded link or server, or use one that is nearer.";
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file outcome.h
 * What becomes of the messages of clients and peers: the methods of requests, and why a request is
 * refused or data is dropped.
 */
#ifndef TURNPIKE_TURN_OUTCOME_H
#define TURNPIKE_TURN_OUTCOME_H

#include "stun/protocol.h"

/** enum turn_method - the methods of requests that the server knows */
enum turn_method {
	TURN_METHOD_BINDING,
	TURN_METHOD_ALLOCATE,
	TURN_METHOD_REFRESH,
	TURN_METHOD_CREATE_PERMISSION,
	TURN_METHOD_CHANNEL_BIND,
	TURN_METHOD_MAX,
};

/** turn_method_names - by enum turn_method, as in the IANA registry */
extern const char *const turn_method_names[TURN_METHOD_MAX];

/** turn_method_find() - the method with the number @number of STUN; TURN_METHOD_MAX: unknown */
enum turn_method turn_method_find(unsigned int number);

/**
 * TURN_REASONS - X(symbol, name, code): a reason, and the error code of a request that is refused
 * for it. Code 0: there is no error response. Names are part of the log, of reports and of metrics,
 * and docs/metrics.md explains them.
 */
/* clang-format off */
#define TURN_REASONS(X)                                                              \
	X(NONE,                  "success",               0)                         \
	/* Requests without an answer. */                                            \
	X(UNAUTHENTICATED_RATE,  "unauthenticated_rate",  0)                         \
	X(GUESS_RATE,            "guess_rate",            0)                         \
	/* Authentication. */                                                        \
	X(NO_CREDENTIALS,        "no_credentials",        STUN_UNAUTHENTICATED)      \
	X(NO_REALM,              "no_realm",              STUN_BAD_REQUEST)          \
	X(NO_NONCE,              "no_nonce",              STUN_BAD_REQUEST)          \
	X(NO_USERNAME,           "no_username",           STUN_BAD_REQUEST)          \
	X(BAD_ALGORITHM,         "bad_algorithm",         STUN_BAD_REQUEST)          \
	X(FOREIGN_NONCE,         "foreign_nonce",         STUN_STALE_NONCE)          \
	X(STALE_NONCE,           "stale_nonce",           STUN_STALE_NONCE)          \
	X(UNKNOWN_USER,          "unknown_user",          STUN_UNAUTHENTICATED)      \
	X(WRONG_PASSWORD,        "wrong_password",        STUN_UNAUTHENTICATED)      \
	X(EXPIRED,               "expired",               STUN_UNAUTHENTICATED)      \
	X(INTERNAL,              "internal",              STUN_SERVER_ERROR)         \
	/* All methods. */                                                           \
	X(BAD_REQUEST,           "bad_request",           STUN_BAD_REQUEST)          \
	X(UNKNOWN_ATTRIBUTE,     "unknown_attribute",     STUN_UNKNOWN_ATTRIBUTE)    \
	X(NO_ALLOCATION,         "no_allocation",         TURN_ALLOCATION_MISMATCH)  \
	X(OTHER_USER,            "other_user",            TURN_WRONG_CREDENTIALS)    \
	X(OTHER_FAMILY,          "other_family",          TURN_PEER_ADDRESS_FAMILY_MISMATCH) \
	/* Allocate. */                                                              \
	X(HAS_ALLOCATION,        "has_allocation",        TURN_ALLOCATION_MISMATCH)  \
	X(TUNNELLED_CLIENT,      "tunnelled_client",      TURN_FORBIDDEN)            \
	X(UNSUPPORTED_TRANSPORT, "unsupported_transport", TURN_UNSUPPORTED_TRANSPORT_PROTOCOL) \
	X(UNSUPPORTED_FAMILY,    "unsupported_family",    TURN_ADDRESS_FAMILY_NOT_SUPPORTED) \
	X(BLOCKED,               "blocked",               TURN_FORBIDDEN)            \
	X(USER_QUOTA,            "user_quota",            TURN_ALLOCATION_QUOTA_REACHED) \
	X(USER_ALLOCATIONS,      "user_allocations",      TURN_ALLOCATION_QUOTA_REACHED) \
	X(PORT_SHARE,            "port_share",            TURN_ALLOCATION_QUOTA_REACHED) \
	X(DRAINING,              "draining",              TURN_INSUFFICIENT_CAPACITY) \
	X(MAX_ALLOCATIONS,       "max_allocations",       TURN_INSUFFICIENT_CAPACITY) \
	X(NO_PORT,               "no_port",               TURN_INSUFFICIENT_CAPACITY) \
	X(NO_SOCKET,             "no_socket",             TURN_INSUFFICIENT_CAPACITY) \
	X(NO_MEMORY,             "no_memory",             TURN_INSUFFICIENT_CAPACITY) \
	X(NO_RESERVATION,        "no_reservation",        TURN_INSUFFICIENT_CAPACITY) \
	/* Refresh. */                                                               \
	X(REVOKED,               "revoked",               TURN_FORBIDDEN)            \
	/* CreatePermission and ChannelBind. */                                      \
	X(DENIED_PEER,           "denied_peer",           TURN_FORBIDDEN)            \
	X(NO_RELAY,              "no_relay",              TURN_FORBIDDEN)            \
	X(CHANNEL_IN_USE,        "channel_in_use",        STUN_BAD_REQUEST)          \
	X(MAX_PERMISSIONS,       "max_permissions",       TURN_INSUFFICIENT_CAPACITY) \
	X(MAX_CHANNELS,          "max_channels",          TURN_INSUFFICIENT_CAPACITY) \
	/* Dropped messages, and data in either direction. So are NO_ALLOCATION and NO_RELAY. */ \
	X(MALFORMED,             "malformed",             0)                         \
	X(NO_PERMISSION,         "no_permission",         0)                         \
	X(NO_CHANNEL,            "no_channel",            0)                         \
	X(NO_NEIGHBOUR,          "no_neighbour",          0)                         \
	X(TTL,                   "ttl",                   0)                         \
	X(OVERSIZE,              "oversize",              0)                         \
	X(POLICED,               "policed",               0)
/* clang-format on */

enum turn_reason {
#define TURN_REASON_ENUM(symbol, name, code) TURN_REASON_##symbol,
	TURN_REASONS(TURN_REASON_ENUM)
#undef TURN_REASON_ENUM
		TURN_REASON_MAX,
};

/** struct turn_reason_info - see TURN_REASONS */
struct turn_reason_info {
	const char *name;
	int code;
};

/** turn_reasons - by enum turn_reason */
extern const struct turn_reason_info turn_reasons[TURN_REASON_MAX];

#endif /* TURNPIKE_TURN_OUTCOME_H */

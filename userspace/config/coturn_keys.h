/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file coturn_keys.h
 * The keys of coturn's turnserver.conf (4.5, 4.6, and additions of later versions), and how each is
 * converted. docs/coturn.md has the same table for people; a test compares the two.
 */
#ifndef TURNPIKE_CONFIG_COTURN_KEYS_H
#define TURNPIKE_CONFIG_COTURN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum coturn_fate - how a key is treated */
enum coturn_fate {
	/** An equivalent option exists. */
	COTURN_TAKEN,
	/** A similar option exists: warn about the difference. */
	COTURN_ALMOST,
	/** Always true here, or meaningless here: log at level info. */
	COTURN_NEEDLESS,
	/** Not supported, which is harmless: warn. */
	COTURN_MISSING,
	/** An error: without it, access would be less restricted, or no client could be served. */
	COTURN_REFUSED,
};

/** enum coturn_how - the type of a value, and its destination; field: see struct coturn_key */
enum coturn_how {
	/** The value is ignored. */
	COTURN_ANY,
	/** A switch in coturn's notation, into the field; "no" equals a missing key. */
	COTURN_FLAG,
	/** A number, into the field. */
	COTURN_NUMBER,
	/** A string, into the field. */
	COTURN_TEXT,
	/** The value of the option; the field records that the key is present. */
	COTURN_OPTION,
	/** Likewise for a file name, relative to the directory of turnserver.conf. */
	COTURN_FILE,
	/** An address or a range of addresses: prefixes for the option. */
	COTURN_RANGE,
	/** A listening address, for the ports of other keys. */
	COTURN_LISTENER,
	/** A user, ignored if there are secrets. */
	COTURN_USER,
};

/** A number in struct coturn that no key has set. */
#define COTURN_UNSET UINT32_MAX

/** struct coturn - keys that act together; @unused: destination of flags without an effect */
struct coturn {
	bool unused;
	bool no_udp;
	bool no_tcp;
	bool no_tls;
	bool no_dtls;
	bool use_auth_secret;
	bool has_secret;
	bool has_listener;
	bool has_cert;
	bool has_pkey;
	bool has_realm;
	bool verbose;
	uint32_t port;
	uint32_t tls_port;
	uint32_t min_port;
	uint32_t max_port;
	uint32_t threads;
	uint32_t stale_nonce;
	const char *user;
	const char *group;
};

/**
 * struct coturn_key - one key
 * @option: our option without dashes, or NULL
 * @why:    the difference, or the reason
 * @field:  offset in struct coturn
 * @empty:  value of a key without one, or NULL if a value is required
 * @same:   value that equals our behaviour, or NULL
 */
struct coturn_key {
	const char *name;
	enum coturn_fate fate;
	enum coturn_how how;
	const char *option;
	const char *why;
	size_t field;
	const char *empty;
	const char *same;
};

/** coturn_keys - terminated by an entry without a name */
extern const struct coturn_key coturn_keys[];

#endif /* TURNPIKE_CONFIG_COTURN_KEYS_H */

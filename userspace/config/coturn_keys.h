/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file coturn_keys.h
 * The keys of coturn's turnserver.conf (4.5 to 4.6, and what later versions have added), and what
 * becomes of each. docs/coturn.md has the same table for people, and a test compares the two.
 */
#ifndef TURNPIKE_CONFIG_COTURN_KEYS_H
#define TURNPIKE_CONFIG_COTURN_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** enum coturn_fate - what becomes of a key */
enum coturn_fate {
	/** An option of ours means the same. */
	COTURN_TAKEN,
	/** The same, but not quite: that is warned of. */
	COTURN_ALMOST,
	/** It is so here anyway, or means nothing here: that is told. */
	COTURN_NEEDLESS,
	/** There is no such thing here, which does no harm: that is warned of. */
	COTURN_MISSING,
	/** To ignore it would open what is to be closed, or serve nobody: an error. */
	COTURN_REFUSED,
};

/** enum coturn_how - what its value is, and where that goes; field: see struct coturn_key */
enum coturn_how {
	/** The value is not looked at. */
	COTURN_ANY,
	/** yes or no, as coturn has it; "no" is as good as a key that is not there. Into the field.
	 */
	COTURN_FLAG,
	/** A number, into the field. */
	COTURN_NUMBER,
	/** Kept as it is, in the field. */
	COTURN_TEXT,
	/** The value of the option; the field tells that there was one. */
	COTURN_OPTION,
	/** The same of a file, relative to where turnserver.conf is. */
	COTURN_FILE,
	/** An address, or two with a dash in between: prefixes for the option. */
	COTURN_RANGE,
	/** An address that is listened at, on the ports that other keys name. */
	COTURN_LISTENER,
	/** A user, who counts only if there are no secrets. */
	COTURN_USER,
};

/** Of a number in struct coturn that no key has set. */
#define COTURN_UNSET UINT32_MAX

/** struct coturn - what several keys say together; @unused: where flags go that nobody asks for */
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
 * @option: of ours, where there is one, without dashes
 * @why:    what else there is to know, or the reason
 * @field:  offset in struct coturn
 * @empty:  what the key means without a value, if it may have none
 * @same:   a value that means what is so here, too
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

/** coturn_keys - all of them; the last one has no name */
extern const struct coturn_key coturn_keys[];

#endif /* TURNPIKE_CONFIG_COTURN_KEYS_H */

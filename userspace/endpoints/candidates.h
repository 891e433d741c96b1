/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file candidates.h
 * Which addresses of the host can be served.
 */
#ifndef TURNPIKE_ENDPOINTS_CANDIDATES_H
#define TURNPIKE_ENDPOINTS_CANDIDATES_H

#include "endpoints/endpoints.h"

/** struct candidates - the arguments of endpoints_resolve() */
struct candidates {
	const struct endpoint_rules *rules;
	const struct host_addresses *host;
	const struct endpoints *before;
	struct endpoints *ret;
};

/**
 * candidate_is_good() - whether a wildcard covers @address
 * @why: the reason if not
 */
bool candidate_is_good(const struct candidates *all, const struct host_address *address,
		       enum endpoint_why *why);

/** candidate_is_good_elsewhere() - whether another device has the same address and is good */
bool candidate_is_good_elsewhere(const struct candidates *all, const struct host_address *address);

/**
 * candidate_find() - find a configured address
 * @ret: the address without port, with its zone
 * @why: what is missing, if the result is false
 */
bool candidate_find(const struct candidates *all, const struct endpoint_name *name,
		    struct turnpike_addr *ret, enum endpoint_why *why);

/** candidate_link() - index of the device that has @addr, whose port is ignored; 0: none */
unsigned int candidate_link(const struct candidates *all, const struct turnpike_addr *addr);

#endif /* TURNPIKE_ENDPOINTS_CANDIDATES_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file session_filter.h
 * Which allocations a request is about.
 */
#ifndef TURNPIKE_CONTROL_SESSION_FILTER_H
#define TURNPIKE_CONTROL_SESSION_FILTER_H

#include <jansson.h>

#include "turn/walk.h"

/**
 * struct session_filter - an allocation must match each member that is set; none: all allocations
 * @user:   username or account; empty: any
 * @client: without a port: any port; without a family: any address
 * @id:     0: any
 * @prefix: of clients; without a family: any. Requests cannot set it
 */
struct session_filter {
	char user[TURN_USERNAME_SIZE];
	struct turnpike_addr client;
	uint64_t id;
	struct addr_cidr prefix;
};

/**
 * session_filter_read() - read "user", "client" and "id" of a request
 *
 * Return: 0, or -EINVAL if one of them has no valid value.
 */
int session_filter_read(const json_t *request, struct session_filter *ret);

/** session_filter_is_empty() - whether all allocations match */
bool session_filter_is_empty(const struct session_filter *filter);

/** session_filter_matches() - whether an allocation matches */
bool session_filter_matches(const struct session_filter *filter,
			    const struct turn_allocation_info *info);

#endif /* TURNPIKE_CONTROL_SESSION_FILTER_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/session_filter.h"

#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "private/array_len.h"

static int read_user(const json_t *value, struct session_filter *filter)
{
	const char *user = json_string_value(value);

	if (!user || !*user || strlen(user) >= sizeof(filter->user))
		return -EINVAL;
	strcpy(filter->user, user);
	return 0;
}

static int read_client(const json_t *value, struct session_filter *filter)
{
	const char *client = json_string_value(value);

	return client ? addr_parse(client, &filter->client) : -EINVAL;
}

static int read_id(const json_t *value, struct session_filter *filter)
{
	if (json_integer_value(value) <= 0)
		return -EINVAL;
	filter->id = (uint64_t)json_integer_value(value);
	return 0;
}

int session_filter_read(const json_t *request, struct session_filter *ret)
{
	static const struct {
		const char *key;
		int (*read)(const json_t *value, struct session_filter *filter);
	} keys[] = { { "user", read_user }, { "client", read_client }, { "id", read_id } };
	int err = 0;

	*ret = (struct session_filter){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(keys) && !err; i++) {
		const json_t *value = json_object_get(request, keys[i].key);

		err = value ? keys[i].read(value, ret) : 0;
	}
	return err;
}

bool session_filter_is_empty(const struct session_filter *filter)
{
	return !*filter->user && !filter->client.family && !filter->id;
}

static bool is_user(const char *user, const struct turn_allocation_info *info)
{
	return strcmp(user, info->username) == 0 || strcmp(user, info->account) == 0;
}

static bool is_client(const struct turnpike_addr *wanted, const struct turnpike_addr *addr)
{
	const struct turnpike_addr client = addr_without_zone(addr);

	return wanted->port ? addr_equal(wanted, &client) : addr_same_ip(wanted, &client);
}

static bool is_in(const struct addr_cidr *prefix, const struct turnpike_addr *addr)
{
	const struct turnpike_addr client = addr_without_zone(addr);

	return addr_cidr_contains(prefix, &client);
}

bool session_filter_matches(const struct session_filter *filter,
			    const struct turn_allocation_info *info)
{
	return (!*filter->user || is_user(filter->user, info)) &&
	       (!filter->client.family || is_client(&filter->client, &info->tuple.client)) &&
	       (!filter->id || filter->id == info->id) &&
	       (!filter->prefix.addr.family || is_in(&filter->prefix, &info->tuple.client));
}

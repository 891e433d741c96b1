/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/report_shares.h"

/* The library's table that is shared; the kernel's own tables of neighbours have none. */
static const enum turnpike_table tables[N_SHARES] = {
	[SHARE_FLOWS_IPV4] = TURNPIKE_TABLE_FLOWS_IPV4,
	[SHARE_FLOWS_IPV6] = TURNPIKE_TABLE_FLOWS_IPV6,
	[SHARE_NEXT_HOPS] = TURNPIKE_TABLE_NEXTHOPS,
	[SHARE_NEIGHBOURS_IPV4] = TURNPIKE_TABLE_MAX,
	[SHARE_NEIGHBOURS_IPV6] = TURNPIKE_TABLE_MAX,
};

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

struct turn_use report_share_use(struct datapath *datapath, enum share what)
{
	const struct share_use use = datapath_share(datapath, what);

	return (struct turn_use){
		.used = tables[what] == TURNPIKE_TABLE_MAX
				? use.used
				: datapath_table(datapath, tables[what]).used,
		.capacity = use.size,
	};
}

struct turn_use report_policers_use(struct datapath *datapath)
{
	const struct datapath_table table = datapath_table(datapath, TURNPIKE_TABLE_POLICERS);

	return (struct turn_use){ .used = table.used, .capacity = table.size };
}

static json_t *row_of(struct datapath *datapath, enum share what)
{
	const struct turn_use all = report_share_use(datapath, what);
	const struct share_use use = datapath_share(datapath, what);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "size", number(all.capacity), "used",
			 number(all.used), "user_limit", number(use.limit), "user_most",
			 number(use.most), "waiting", number(use.waiting), "refused",
			 number(use.refused));
}

/* One user has no more of them than --user-quota allows: two for each allocation, and four. */
static json_t *policers(struct datapath *datapath)
{
	const struct turn_use use = report_policers_use(datapath);

	return json_pack("{s:o, s:o}", "size", number(use.capacity), "used", number(use.used));
}

json_t *report_shares(struct datapath *datapath)
{
	json_t *result = json_object();

	if (!datapath_is_open(datapath))
		return result;
	for (enum share what = 0; what < N_SHARES; what++)
		json_object_set_new(result, share_name(what), row_of(datapath, what));
	json_object_set_new(result, "policers", policers(datapath));
	return result;
}

uint64_t report_shares_waiting(struct datapath *datapath)
{
	uint64_t waiting = 0;

	for (enum share what = 0; what < N_SHARES; what++)
		waiting += datapath_share(datapath, what).waiting;
	return waiting;
}

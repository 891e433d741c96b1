/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The public functions that tell how full the tables of a handle are.
 */
#include "handle.h"

__u32 turnpike_table_size(const struct turnpike *tp, enum turnpike_table table)
{
	switch (table) {
	case TURNPIKE_TABLE_FLOWS_IPV4:
	case TURNPIKE_TABLE_FLOWS_IPV6:
		return tp->maps.max_flows;
	case TURNPIKE_TABLE_NEXTHOPS:
		return tp->maps.max_nexthops - 1; /* the first element is never used */
	case TURNPIKE_TABLE_POLICERS:
		return policers_size(&tp->policers);
	default:
		return 0;
	}
}

__u32 turnpike_table_used(const struct turnpike *tp, enum turnpike_table table)
{
	switch (table) {
	case TURNPIKE_TABLE_FLOWS_IPV4:
		return bindings_flows(tp->bindings, TURNPIKE_IPV4);
	case TURNPIKE_TABLE_FLOWS_IPV6:
		return bindings_flows(tp->bindings, TURNPIKE_IPV6);
	case TURNPIKE_TABLE_NEXTHOPS:
		return nexthops_used(tp->nexthops);
	case TURNPIKE_TABLE_POLICERS:
		return policers_used(&tp->policers);
	default:
		return 0;
	}
}

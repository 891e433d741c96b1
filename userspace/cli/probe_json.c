/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include "cli/probe_json.h"
#include "private/array_len.h"

static json_t *offload(__u32 state)
{
	if (!(state & TURNPIKE_KNOWN))
		return json_string("unknown");
	if (state & TURNPIKE_FIXED)
		return json_string(state & TURNPIKE_ON ? "on, fixed" : "off, fixed");
	return json_string(state & TURNPIKE_ON ? "on" : "off");
}

static json_t *xdp_features(const struct turnpike_facts *facts)
{
	static const struct {
		__u64 bit;
		const char *name;
	} names[] = {
		{ TURNPIKE_XDP_BASIC, "basic" },
		{ TURNPIKE_XDP_REDIRECT, "redirect" },
		{ TURNPIKE_XDP_XMIT, "xmit" },
		{ TURNPIKE_XDP_FRAGS, "frags" },
	};
	json_t *result;

	if (!facts->xdp_known)
		return json_null();
	result = json_array();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (facts->xdp_features & names[i].bit)
			json_array_append_new(result, json_string(names[i].name));
	}
	return result;
}

/* In hexadecimal, as bits of virtio_device.features. */
static json_t *virtio_features(const struct turnpike_facts *facts)
{
	char text[24];

	if (!facts->virtio_known)
		return json_null();
	snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)facts->virtio_features);
	return json_string(text);
}

static json_t *queues(const struct turnpike_queues *queues)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rx", (json_int_t)queues->rx, "tx",
			 (json_int_t)queues->tx, "combined", (json_int_t)queues->combined, "max_rx",
			 (json_int_t)queues->max_rx, "max_tx", (json_int_t)queues->max_tx,
			 "max_combined", (json_int_t)queues->max_combined);
}

static json_t *programs(const struct turnpike_facts *facts)
{
	const struct turnpike_program *program = facts->programs;
	json_t *result = json_array();

	for (__u32 i = 0; i < facts->n_programs; i++, program++)
		json_array_append_new(result, json_pack("{s:s, s:s, s:I, s:I, s:s}", "mode",
							turnpike_mode_name(program->mode), "hook",
							turnpike_hook_name(program->hook), "id",
							(json_int_t)program->id, "link_id",
							(json_int_t)program->link_id, "name",
							program->name));
	return result;
}

static json_t *relative(const struct turnpike_facts *facts)
{
	return json_pack("{s:s, s:s, s:I, s:b, s:s, s:s, s:I, s:o}", "relation",
			 turnpike_relation_name(facts->relation), "dev", facts->dev, "ifindex",
			 (json_int_t)facts->ifindex, "elsewhere", facts->elsewhere, "kind",
			 facts->kind, "driver", facts->driver, "mtu", (json_int_t)facts->mtu,
			 "programs", programs(facts));
}

static json_t *relatives(const struct turnpike_facts *facts)
{
	const struct turnpike_facts *each;
	json_t *result = json_array();

	for (each = facts->related; each; each = each->next)
		json_array_append_new(result, relative(each));
	return result;
}

static json_t *plan_json(const struct turnpike_candidate *candidate)
{
	json_t *result = json_array();

	for (; candidate; candidate = candidate->next)
		json_array_append_new(result,
				      json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "mode",
						turnpike_mode_name(candidate->mode), "moves",
						turnpike_moves_name(candidate->moves), "hook",
						turnpike_hook_name(candidate->hook), "outlook",
						turnpike_outlook_name(candidate->outlook), "reason",
						candidate->reason, "remedy", candidate->remedy));
	return result;
}

static json_t *vlans(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *kernel(__u32 version)
{
	char text[24];

	snprintf(text, sizeof(text), "%u.%u", version >> 16, version & 0xffff);
	return json_string(text);
}

json_t *probe_json(const struct turnpike_probe_result *probe)
{
	const struct turnpike_facts *facts = probe->facts;

	return json_pack(
		"{s:s, s:I, s:o, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"dev", facts->dev, "ifindex", (json_int_t)facts->ifindex, "kernel",
		kernel(facts->kernel), "driver", facts->driver, "driver_version",
		facts->driver_version, "kind", facts->kind, "arptype", (json_int_t)facts->arptype,
		"mtu", (json_int_t)facts->mtu, "max_mtu", (json_int_t)facts->max_mtu, "up",
		facts->up, "queues", queues(&facts->queues), "lro", offload(facts->lro), "gro_hw",
		offload(facts->gro_hw), "rx_csum", offload(facts->rx_csum), "rx_vlan",
		offload(facts->rx_vlan), "legacy_rx", offload(facts->legacy_rx), "gro_list",
		offload(facts->gro_list), "gro_forwarding", offload(facts->gro_forwarding), "vlans",
		vlans(facts->vlans), "xdp_features", xdp_features(facts), "virtio_features",
		virtio_features(facts), "programs", programs(facts), "related", relatives(facts),
		"plan", plan_json(probe->plan));
}

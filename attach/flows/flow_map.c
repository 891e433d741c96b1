/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/flow_map.h"

#include <bpf/bpf.h>
#include <errno.h>

#include "base/call.h"
#include "base/loader.h"

static const struct {
	enum map_id map;
	size_t key_size;
} tables[] = {
	[TURNPIKE_FLOWS4] = { MAP_FLOWS4, sizeof(struct turnpike_key4) },
	[TURNPIKE_FLOWS6] = { MAP_FLOWS6, sizeof(struct turnpike_key6) },
	[TURNPIKE_SENDS] = { MAP_SENDS, sizeof(struct turnpike_send_key) },
};

static int flows_fd(const struct maps *maps, const struct flow_key *key)
{
	return maps->fds[tables[key->table].map];
}

/* The system call takes keys and values one after the other. */
int flows_add(const struct maps *maps, const struct encoded_flow *flows, __u32 n)
{
	const size_t key_size = tables[flows->key.table].key_size;
	__u8 keys[FLOWS_AT_ONCE * sizeof(struct turnpike_send_key)];
	struct turnpike_flow values[FLOWS_AT_ONCE];
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 i, done = n;
	int err;

	for (i = 0; i < n; i++) {
		memcpy(keys + i * key_size, &flows[i].key.key4, key_size);
		values[i] = flows[i].flow;
	}
	err = bpf_map_update_batch(flows_fd(maps, &flows->key), keys, values, &done, &opts);
	/* A call that was refused as a whole leaves @done alone. */
	for (i = 0; err && done < n && i < done; i++)
		flow_delete(maps, &flows[i].key);
	/* The kernel's answer for a full hash map is E2BIG. */
	return err == -E2BIG ? -ENOSPC : err;
}

int flow_read(const struct maps *maps, const struct flow_key *key, struct turnpike_flow *ret)
{
	struct turnpike_flow flow;
	const int err = bpf_map_lookup_elem(flows_fd(maps, key), &key->key4, &flow);

	if (!err)
		*ret = flow;
	return err;
}

/* Do packets leave alike? Only then is a confirmation valid for both. */
static bool is_same_recipe(const struct turnpike_flow *a, const struct turnpike_flow *b)
{
	return a->nexthop == b->nexthop && a->family == b->family && a->sport == b->sport &&
	       a->dport == b->dport && a->framing == b->framing &&
	       memcmp(&a->xor_peer, &b->xor_peer, sizeof(a->xor_peer)) == 0 &&
	       memcmp(a->src, b->src, sizeof(a->src)) == 0 &&
	       memcmp(a->dst, b->dst, sizeof(a->dst)) == 0;
}

/* @check_at stays 0: an expiry that is earlier now is noticed at once, at the price of a check. */
static void keep_confirmation(const struct turnpike_flow *before, struct turnpike_flow *flow)
{
	flow->seen = before->seen;
	flow->until = before->until;
	flow->dscps = before->dscps;
	flow->dscp_at = before->dscp_at;
	flow->tries = before->tries;
	flow->observation = before->observation;
	flow->observed_on = before->observed_on;
}

int flow_replace(const struct maps *maps, const struct encoded_flow *encoded)
{
	struct turnpike_flow before, flow = encoded->flow;
	const int err = flow_read(maps, &encoded->key, &before);

	if (err)
		return err;
	flow.packets = before.packets;
	flow.bytes = before.bytes;
	flow.ip6_label = before.ip6_label;
	if (is_same_recipe(&before, &flow))
		keep_confirmation(&before, &flow);
	return bpf_map_update_elem(flows_fd(maps, &encoded->key), &encoded->key.key4, &flow,
				   BPF_EXIST);
}

/* Without privileges a process can write elements, but not call the program. */
static int run_set_expiry(struct privileged *privileged, const void *args, void *result, int *fd)
{
	struct turnpike_flow_expiry arg = *(const struct turnpike_flow_expiry *)args;

	(void)result;
	(void)fd;
	return call_program(privileged->maps->skeleton->progs.flow_expiry, &arg, sizeof(arg));
}

OPERATION(flow_operation_set_expiry, OPERATION_SET_EXPIRY, run_set_expiry,
	  struct turnpike_flow_expiry, struct nothing);

int flow_set_expiry(const struct maps *maps, const struct flow_key *key, __u64 expires)
{
	struct turnpike_flow_expiry arg = { .table = key->table, .expires = expires };
	struct nothing nothing;

	arg.send = key->send;
	return privileged_call(maps->privileged, &flow_operation_set_expiry, &arg, &nothing, NULL);
}

int flow_delete(const struct maps *maps, const struct flow_key *key)
{
	return bpf_map_delete_elem(flows_fd(maps, key), &key->key4);
}

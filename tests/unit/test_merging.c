/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Plans for devices whose packets may not be what they look like: merged datagrams, and frames of
 * VLANs without their tags; and for programs that are our own, or that we may not see.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "select/select.h"

#define NEW    TURNPIKE_KERNEL(6, 12)
#define OLD    TURNPIKE_KERNEL(6, 1)
#define ON     (TURNPIKE_KNOWN | TURNPIKE_ON)
#define MERGES .gro = ON, .gro_list = ON

#define RELATIVE(of_kind, ...)                                                                     \
	.related = &(const struct turnpike_facts)                                                  \
	{                                                                                          \
		.relation = TURNPIKE_RELATION_##of_kind, .dev = "lower0", .mtu = 1500, __VA_ARGS__ \
	}
#define DEVICE(version, ...)                                                                  \
	{                                                                                     \
		.dev = "eth0", .driver = "e1000e", .kernel = version, .mtu = 1500,            \
		.arptype = ARPHRD_ETHER, .up = true, .xdp_known = version >= NEW, __VA_ARGS__ \
	}

/**
 * struct fate - of one mode
 * @reason, @remedy: parts of the texts; NULL: any
 */
struct fate {
	enum turnpike_outlook outlook;
	bool harmful;
	const char *reason;
	const char *remedy;
};

/** struct device_case - a device, the first mode of its plan, and the fates of two modes */
struct device_case {
	const char *name;
	struct turnpike_facts facts;
	enum turnpike_mode first;
	struct fate tc, generic;
};

#define FINE                                     \
	{                                        \
		TURNPIKE_USABLE, false, NULL, "" \
	}
#define DOUBT(reason, remedy)                            \
	{                                                \
		TURNPIKE_DOUBTFUL, false, reason, remedy \
	}
#define HARM(reason, remedy)                            \
	{                                               \
		TURNPIKE_REJECTED, true, reason, remedy \
	}

static const struct device_case cases[] = {
	{ "nothing is merged", DEVICE(NEW), TURNPIKE_MODE_TC, FINE, FINE },
	{ "the device merges: the kernel does not where generic XDP is attached",
	  DEVICE(NEW, MERGES), TURNPIKE_MODE_XDP_GENERIC,
	  DOUBT("come merged", "ethtool -K eth0 rx-gro-list off"), FINE },
	{ "rx-gro-list has no effect while GRO is off", DEVICE(NEW, .gro_list = ON),
	  TURNPIKE_MODE_TC, FINE, FINE },
	{ "merging for forwarding spares datagrams with a socket",
	  DEVICE(NEW, .gro = ON, .gro_forwarding = ON), TURNPIKE_MODE_TC, FINE, FINE },
	{ "a port of the bridge merges", DEVICE(NEW, .kind = "bridge", RELATIVE(MEMBER, MERGES)),
	  TURNPIKE_MODE_TC, DOUBT("lower0: rx-gro-list", "ethtool -K lower0 rx-gro-list off"),
	  DOUBT("lower0: rx-gro-list", "ethtool -K lower0 rx-gro-list off") },
	{ "a device further below merges", DEVICE(NEW, .kind = "vlan", RELATIVE(BELOW, MERGES)),
	  TURNPIKE_MODE_TC, DOUBT("lower0: rx-gro-list", "lower0"),
	  DOUBT("lower0: rx-gro-list", "lower0") },
	{ "the other end of a veth merges for itself",
	  DEVICE(NEW, .kind = "veth", RELATIVE(PEER, MERGES)), TURNPIKE_MODE_TC, FINE, FINE },
	{ "an old kernel damages what generic XDP made linear",
	  DEVICE(OLD, .kind = "bridge", RELATIVE(MEMBER, MERGES)), TURNPIKE_MODE_TC,
	  DOUBT("come merged", "lower0"), HARM("damages", "ethtool -K lower0 rx-gro-list off") },

	{ "nothing tells merged datagrams, but a NIC has none",
	  DEVICE(NEW, .segments_error = -ENOENT), TURNPIKE_MODE_TC, FINE, FINE },
	{ "nothing tells those of a veth", DEVICE(NEW, .kind = "veth", .segments_error = -ENOENT),
	  TURNPIKE_MODE_TC, FINE, HARM("BTF", "") },
	{ "for want of a capability",
	  DEVICE(NEW, .kind = "macvlan", .segments_error = -EPERM, RELATIVE(LOWER)),
	  TURNPIKE_MODE_TC, FINE, HARM("CAP_PERFMON", "") },
	{ "a VLAN gets single ones from a NIC",
	  DEVICE(NEW, .kind = "vlan", .segments_error = -ENOENT, RELATIVE(LOWER)), TURNPIKE_MODE_TC,
	  FINE, FINE },
	{ "but not from a NIC that merges for forwarding",
	  DEVICE(NEW, .kind = "vlan", .segments_error = -ENOENT,
		 RELATIVE(LOWER, .gro_forwarding = ON)),
	  TURNPIKE_MODE_TC, FINE, HARM("BTF", "") },
	{ "nor from a virtio host with USO",
	  DEVICE(NEW, .kind = "vlan", .segments_error = -ENOENT,
		 RELATIVE(LOWER, .driver = "virtio_net")),
	  TURNPIKE_MODE_TC, FINE, HARM("BTF", "") },

	{ "a VLAN device in another namespace, tags are stripped",
	  DEVICE(NEW, .rx_vlan = ON, .vlans = 1), TURNPIKE_MODE_TC, FINE,
	  HARM("strips their tags", "ethtool -K eth0 rxvlan off") },
	{ "its tags stay in the frames", DEVICE(NEW, .rx_vlan = TURNPIKE_KNOWN, .vlans = 1),
	  TURNPIKE_MODE_TC, FINE, FINE },
	{ "there is none", DEVICE(NEW, .rx_vlan = ON, .vlans = 0), TURNPIKE_MODE_TC, FINE, FINE },
	{ "nobody knows of any", DEVICE(NEW, .rx_vlan = ON, .vlans = -1), TURNPIKE_MODE_TC, FINE,
	  FINE },
	{ "a VLAN device on a bridge, whose ports take the tags off",
	  DEVICE(NEW, .kind = "bridge", .vlans = 1, RELATIVE(MEMBER)), TURNPIKE_MODE_TC, FINE,
	  HARM("does not see on a bridge", "") },
};

static struct plan plan_of(const struct turnpike_facts *facts, bool own_all)
{
	const struct select_policy policy = { .own_all = own_all };
	struct plan plan;

	assert_int_equal(select_plan(facts, &policy, &plan), 0);
	return plan;
}

static const struct turnpike_candidate *find(const struct plan *plan, enum turnpike_mode mode)
{
	__u32 i;

	for (i = 0; i < plan->n; i++)
		if (plan->candidates[i].mode == mode &&
		    plan->candidates[i].moves == TURNPIKE_MOVES_HEAD)
			return &plan->candidates[i];
	fail_msg("the plan lacks a mode");
	return NULL;
}

static void check_fate(const char *name, const struct turnpike_candidate *candidate,
		       const struct fate *fate)
{
	if (candidate->outlook != fate->outlook || candidate->harmful != fate->harmful ||
	    (fate->reason && !strstr(candidate->reason, fate->reason)) ||
	    (fate->remedy[0] ? !strstr(candidate->remedy, fate->remedy) : candidate->remedy[0]))
		fail_msg("%s: %s is %s%s: %s (%s)", name, turnpike_mode_name(candidate->mode),
			 turnpike_outlook_name(candidate->outlook),
			 candidate->harmful ? ", harmful" : "", candidate->reason,
			 candidate->remedy);
}

static void test_plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct plan plan = plan_of(&cases[i].facts, false);

		check_fate(cases[i].name, find(&plan, TURNPIKE_MODE_TC), &cases[i].tc);
		check_fate(cases[i].name, find(&plan, TURNPIKE_MODE_XDP_GENERIC),
			   &cases[i].generic);
		if (plan.candidates[0].mode != cases[i].first)
			fail_msg("%s: the first choice is %s", cases[i].name,
				 turnpike_mode_name(plan.candidates[0].mode));
	}
}

/** Only the members of a bond have relatives of their own: the far ends that they send to. */
static void test_peer_of_member(void **state)
{
	static const struct turnpike_facts peer = { .relation = TURNPIKE_RELATION_PEER,
						    .dev = "far0",
						    .mtu = 1500 };
	static const struct turnpike_facts member = { .relation = TURNPIKE_RELATION_MEMBER,
						      .dev = "nic0",
						      .kind = "veth",
						      .kernel = NEW,
						      .mtu = 1500,
						      .related = &peer };
	const struct turnpike_facts bond =
		DEVICE(NEW, .kind = "bond", .related = &member,
		       .xdp_features = TURNPIKE_XDP_BASIC | TURNPIKE_XDP_REDIRECT);
	const struct plan plan = plan_of(&bond, false);

	(void)state;
	check_fate("bond", find(&plan, TURNPIKE_MODE_XDP_NATIVE),
		   &(struct fate){ TURNPIKE_REJECTED, false, "nic0: the peer, far0, has no XDP",
				   "turnpike pass dev far0" });
}

#define PROGRAM(link, of_name) \
	.n_programs = 1,       \
	.programs = { { TURNPIKE_MODE_XDP_GENERIC, TURNPIKE_HOOK_XDP, 12, link, of_name } }

/** Whoever holds the hook is named as far as it is known, and the remedy can be run. */
static void test_owner(void **state)
{
	static const struct {
		struct turnpike_facts facts;
		bool own_all;
		struct fate generic;
	} owners[] = {
		{ DEVICE(NEW, PROGRAM(0, "fw")),
		  false,
		  { TURNPIKE_REJECTED, false, "program 12 'fw'",
		    "ip link set dev eth0 xdpgeneric off" } },
		{ DEVICE(NEW, PROGRAM(7, "fw")),
		  false,
		  { TURNPIKE_REJECTED, false, "program 12 'fw'", "bpftool link detach id 7" } },
		{ DEVICE(NEW, PROGRAM(0, "")),
		  false,
		  { TURNPIKE_REJECTED, false, "program 12 is already",
		    "turnpike probe dev eth0" } },
		{ DEVICE(NEW, PROGRAM(0, "relay_xdp")),
		  false,
		  { TURNPIKE_REJECTED, false, "another turnpike", "" } },
		{ DEVICE(NEW, PROGRAM(7, "relay_xdp_head")),
		  false,
		  { TURNPIKE_REJECTED, false, "another turnpike", "" } },
		{ DEVICE(NEW, PROGRAM(7, "relay_xdp_head")), true, FINE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		const struct plan plan = plan_of(&owners[i].facts, owners[i].own_all);

		check_fate("owner", find(&plan, TURNPIKE_MODE_XDP_GENERIC), &owners[i].generic);
	}
}

/** A plan is another one if any outlook, reason or remedy is. */
static void test_equality(void **state)
{
	const struct turnpike_facts facts = DEVICE(NEW), merging = DEVICE(NEW, MERGES);
	const struct plan one = plan_of(&facts, false), same = plan_of(&facts, false);
	const struct plan other = plan_of(&merging, false);

	(void)state;
	assert_true(plan_equals(&one, &same));
	assert_false(plan_equals(&one, &other));
	assert_false(plan_equals(&one, &(struct plan){ .n = 0 }));
}

static void test_capabilities(void **state)
{
	const struct turnpike_facts facts = DEVICE(NEW, .bpf_error = -EACCES);
	const struct plan plan = plan_of(&facts, false);

	(void)state;
	check_fate("capabilities", find(&plan, TURNPIKE_MODE_TC),
		   &(struct fate){ TURNPIKE_REJECTED, false, "CAP_PERFMON is missing", "" });
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),        cmocka_unit_test(test_peer_of_member),
		cmocka_unit_test(test_owner),        cmocka_unit_test(test_equality),
		cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

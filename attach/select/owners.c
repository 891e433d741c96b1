/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/owners.h"

#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hooks/hook.h"
#include "hooks/mark.h"
#include "net/filter.h"

static void read_name(struct turnpike_program *program)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const int fd = bpf_prog_get_fd_by_id(program->id);

	if (fd < 0)
		return;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		snprintf(program->name, sizeof(program->name), "%s", info.name);
	close(fd);
}

static void add(struct turnpike_facts *facts, const struct turnpike_program *program)
{
	struct turnpike_program *added;

	if (facts->n_programs == TURNPIKE_PROGRAMS_MAX)
		return;
	added = &facts->programs[facts->n_programs++];
	*added = *program;
	if (added->id && !added->name[0])
		read_name(added);
}

/* Without CAP_SYS_ADMIN programs have no names. */
static void add_xdp(struct turnpike_facts *facts, enum turnpike_mode mode, __u32 id)
{
	struct turnpike_program *added;

	if (!id)
		return;
	add(facts, &(struct turnpike_program){ .mode = mode, .hook = TURNPIKE_HOOK_XDP, .id = id });
	added = &facts->programs[facts->n_programs - 1];
	if (!added->name[0] && !facts->elsewhere && name_is_bound(MARK_XDP, facts->ifindex))
		snprintf(added->name, sizeof(added->name), MARKED_PROGRAM);
}

static void add_tcx(struct turnpike_facts *facts)
{
	__u32 ids[HOOK_MAX_PROGS], n = 0, i;

	if (hook_tcx.query(facts->ifindex, ids, &n))
		return;
	for (i = 0; i < n; i++)
		add(facts, &(struct turnpike_program){ .mode = TURNPIKE_MODE_TC,
						       .hook = TURNPIKE_HOOK_TCX,
						       .id = ids[i] });
}

static void add_filters(struct nl_sock *sock, struct turnpike_facts *facts)
{
	struct filter_facts filters[TURNPIKE_PROGRAMS_MAX];
	struct turnpike_program program = { .mode = TURNPIKE_MODE_TC,
					    .hook = TURNPIKE_HOOK_CLSACT };
	__u32 n = 0, i;

	if (netlink_filters(sock, facts->ifindex, filters, TURNPIKE_PROGRAMS_MAX, &n))
		return;
	for (i = 0; i < n; i++) {
		program.id = filters[i].prog_id;
		snprintf(program.name, sizeof(program.name), "%s", filters[i].name);
		add(facts, &program);
	}
}

/* The kernel cannot look up the link of a program, so compare all links. */
static void find_links(struct turnpike_facts *facts)
{
	struct bpf_link_info info;
	__u32 link_id = 0, len, i;
	int fd;

	while (bpf_link_get_next_id(link_id, &link_id) == 0) {
		fd = bpf_link_get_fd_by_id(link_id);
		if (fd < 0)
			continue;
		info = (struct bpf_link_info){ 0 };
		len = sizeof(info);
		if (bpf_obj_get_info_by_fd(fd, &info, &len))
			info.prog_id = 0;
		close(fd);
		for (i = 0; info.prog_id && i < facts->n_programs; i++)
			if (facts->programs[i].id == info.prog_id)
				facts->programs[i].link_id = link_id;
	}
}

/* Programs that rtnetlink reports, of a device that may be in another namespace. */
struct device_args {
	__u32 ifindex;
	__u32 xdp_native;
	__u32 xdp_generic;
	__u32 elsewhere;
};

struct owners {
	__u32 n;
	struct turnpike_program programs[TURNPIKE_PROGRAMS_MAX];
};

static int run_read(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct device_args *device = args;
	struct turnpike_facts facts = { .ifindex = device->ifindex,
					.elsewhere = device->elsewhere };
	struct owners *owners = result;

	(void)fd;
	add_xdp(&facts, TURNPIKE_MODE_XDP_NATIVE, device->xdp_native);
	add_xdp(&facts, TURNPIKE_MODE_XDP_GENERIC, device->xdp_generic);
	/* An index of another namespace is a different device here. */
	if (!facts.elsewhere) {
		add_tcx(&facts);
		add_filters(privileged->sock, &facts);
	}
	if (facts.n_programs)
		find_links(&facts);
	owners->n = facts.n_programs;
	memcpy(owners->programs, facts.programs, sizeof(owners->programs));
	return 0;
}

OPERATION(owners_operation_read, OPERATION_READ_OWNERS, run_read, struct device_args,
	  struct owners);

void owners_read(struct privileged *privileged, const struct link_facts *link,
		 struct turnpike_facts *facts)
{
	const struct device_args device = { facts->ifindex, link->xdp_native, link->xdp_generic,
					    facts->elsewhere };
	struct owners owners;

	if (privileged_call(privileged, &owners_operation_read, &device, &owners, NULL) ||
	    owners.n > TURNPIKE_PROGRAMS_MAX)
		return;
	facts->n_programs = owners.n;
	memcpy(facts->programs, owners.programs, sizeof(facts->programs));
}

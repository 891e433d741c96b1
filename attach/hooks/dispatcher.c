/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP beside other programs, by the dispatcher of libxdp: one program on the device, which calls
 * its components in the order of their priorities. libxdp builds a new dispatcher for each change
 * and replaces the old one in place, so a program is replaced by adding one and removing the other.
 *
 * A component is loaded for its dispatcher (BPF_PROG_TYPE_EXT), and pinned below /sys/fs/bpf/xdp:
 * it outlives the process, so a guardian detaches it. All that needs CAP_SYS_ADMIN and the files of
 * root. A helper (privileged/helper.h) keeps both only where dispatchers are used.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "base/loader.h"
#include "hooks/guardian.h"
#include "hooks/hook.h"
#include "hooks/mark.h"
#include "privileged/child.h"

/* A mark for the id of a program, and not for a device, as long as its guardian lives. */
#define MARK_COMPONENT "dispatched"

/** struct component - our program in a dispatcher */
struct component {
	int ifindex;
	__u32 id;
	__u32 dispatcher; /* the dispatcher in which it was seen last; 0: none */
	enum xdp_attach_mode mode;
	struct mark mark;
};

static struct xdp_multiprog *open_dispatcher(int ifindex)
{
	struct xdp_multiprog *dispatcher;

	libxdp_set_print(NULL);
	dispatcher = xdp_multiprog__get_from_ifindex(ifindex);
	if (!dispatcher || libxdp_get_error(dispatcher))
		return NULL;
	if (!xdp_multiprog__is_legacy(dispatcher))
		return dispatcher;
	xdp_multiprog__close(dispatcher);
	return NULL;
}

static struct xdp_program *find(const struct xdp_multiprog *dispatcher, __u32 id)
{
	struct xdp_program *program = NULL;

	while ((program = xdp_multiprog__next_prog(program, dispatcher)))
		if (xdp_program__id(program) == id)
			return program;
	return NULL;
}

static void remove_component(const struct component *component)
{
	struct xdp_multiprog *dispatcher = open_dispatcher(component->ifindex);
	struct xdp_program *program = dispatcher ? find(dispatcher, component->id) : NULL;

	if (program)
		xdp_program__detach(program, component->ifindex,
				    xdp_multiprog__attach_mode(dispatcher), 0);
	xdp_multiprog__close(dispatcher);
	if (!dispatcher) /* the device is gone, or somebody removed all programs */
		libxdp_clean_references(component->ifindex);
}

static int begin(void *arg)
{
	struct component *component = arg;
	const int err = mark_take(MARK_COMPONENT, component->id, &component->mark);

	if (!err)
		mark_record(&component->mark, component->id);
	return err;
}

static void end(void *arg)
{
	struct component *component = arg;

	remove_component(component);
	mark_drop(&component->mark);
}

/* Others build new dispatchers, which have the component as well, or remove it. */
static bool is_needed(void *arg)
{
	struct component *component = arg;
	const int flags = component->mode == XDP_MODE_SKB ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	struct xdp_multiprog *dispatcher;
	__u32 id = 0;
	bool found;

	if (bpf_xdp_query_id(component->ifindex, flags, &id))
		return false;
	if (id && id == component->dispatcher)
		return true;
	dispatcher = open_dispatcher(component->ifindex);
	found = dispatcher && find(dispatcher, component->id);
	component->dispatcher = found ? id : 0;
	xdp_multiprog__close(dispatcher);
	return found;
}

static int guard(const struct component *component, struct hook_state *state)
{
	struct component guarded = *component;
	const struct duty duty = {
		.arg = &guarded,
		.begin = begin,
		.is_needed = is_needed,
		.end = end,
		.fd = -1,
		.capabilities = CAPABILITY(SYS_ADMIN) | CAPABILITY(NET_ADMIN) | CAPABILITY(BPF) |
				CAPABILITY(PERFMON),
	};

	return guardian_start(&duty, state);
}

/* Where the kernel has no BPF_PROG_TYPE_EXT, libxdp attaches a single program without dispatcher.
 */
static int check_component(int fd, struct component *component)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	component->id = info.id;
	return info.type == BPF_PROG_TYPE_EXT ? 0 : -ENOSYS;
}

static int attach_program(struct xdp_program *program, __u32 ifindex, enum xdp_attach_mode mode,
			  struct hook_state *state)
{
	struct component component = { .ifindex = (int)ifindex, .mode = mode };
	int err = xdp_program__attach(program, component.ifindex, mode, 0);

	if (err)
		return err;
	err = check_component(xdp_program__fd(program), &component);
	if (!err)
		err = guard(&component, state);
	if (err)
		xdp_program__detach(program, component.ifindex, mode, 0);
	return err;
}

static struct xdp_program *open_program(struct bpf_object *object, const char *name, int fd)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts);

	if (fd >= 0) {
		opts.fd = fd;
	} else {
		opts.obj = object;
		opts.prog_name = name;
	}
	return xdp_program__create(&opts);
}

static int attach(__u32 ifindex, struct bpf_object *object, const char *name,
		  enum xdp_attach_mode mode, struct hook_state *state, int *prog_fd)
{
	struct xdp_program *program;
	int err;

	libxdp_set_print(NULL);
	program = open_program(object, name, *prog_fd);
	if (!program)
		return -errno;
	err = attach_program(program, ifindex, mode, state);
	if (!err && *prog_fd < 0) {
		*prog_fd = fcntl(xdp_program__fd(program), F_DUPFD_CLOEXEC, 0);
		if (*prog_fd < 0) {
			err = -errno;
			guardian_stop(state);
		}
	}
	xdp_program__close(program);
	return err;
}

static int attach_native(__u32 ifindex, struct bpf_object *object, const char *name,
			 struct hook_state *state, int *prog_fd)
{
	return attach(ifindex, object, name, XDP_MODE_NATIVE, state, prog_fd);
}

static int attach_generic(__u32 ifindex, struct bpf_object *object, const char *name,
			  struct hook_state *state, int *prog_fd)
{
	return attach(ifindex, object, name, XDP_MODE_SKB, state, prog_fd);
}

static int query(__u32 ifindex, __u32 *ids, __u32 *n)
{
	struct xdp_multiprog *dispatcher = open_dispatcher((int)ifindex);
	struct xdp_program *program = NULL;

	if (!dispatcher)
		return -ENOENT;
	*n = 0;
	while (*n < HOOK_MAX_PROGS && (program = xdp_multiprog__next_prog(program, dispatcher)))
		ids[(*n)++] = xdp_program__id(program);
	xdp_multiprog__close(dispatcher);
	return 0;
}

/* Is its guardian dead? */
static bool is_left(__u32 id)
{
	struct mark mark;
	bool left;

	if (mark_take(MARK_COMPONENT, id, &mark))
		return false;
	left = mark_is_left(&mark, id);
	mark_drop(&mark);
	return left;
}

/* After a sweep of the device there may be another one, without the program. */
static bool remove_left_over(int ifindex)
{
	struct xdp_multiprog *dispatcher = open_dispatcher(ifindex);
	struct xdp_program *program = NULL;
	struct component component = { .ifindex = ifindex };

	while (dispatcher && (program = xdp_multiprog__next_prog(program, dispatcher))) {
		component.id = xdp_program__id(program);
		if (loader_is_xdp(xdp_program__name(program)) && is_left(component.id))
			break;
	}
	xdp_multiprog__close(dispatcher);
	if (program)
		remove_component(&component);
	return program;
}

/* libxdp pins each as dispatch-IFINDEX-ID. */
bool dispatcher_exists(void)
{
	const char *root = getenv("LIBXDP_BPFFS");
	const struct dirent *entry;
	char path[PATH_MAX];
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/xdp", root ? root : "/sys/fs/bpf");
	folder = opendir(path);
	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = strncmp(entry->d_name, "dispatch-", strlen("dispatch-")) == 0;
	closedir(folder);
	return found;
}

void dispatcher_sweep(__u32 ifindex)
{
	int tries = HOOK_MAX_PROGS;

	while (tries-- > 0 && remove_left_over((int)ifindex))
		;
}

const struct hook_ops hook_dispatcher_native = {
	.load_and_attach = attach_native,
	.query = query,
	.is_attached = guardian_is_alive,
	.detach = guardian_stop,
};

const struct hook_ops hook_dispatcher_generic = {
	.load_and_attach = attach_generic,
	.query = query,
	.is_attached = guardian_is_alive,
	.detach = guardian_stop,
};

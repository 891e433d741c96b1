/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/point.h"
#include "private/array_len.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
#define ATTACH_POINT(mode, hook, ops) \
	[ATTACH_POINT_##mode##_##hook] = { TURNPIKE_MODE_##mode, TURNPIKE_HOOK_##hook, &(ops) },

const struct attach_point attach_points[N_ATTACH_POINTS] = {
	[ATTACH_POINT_USERSPACE] = { TURNPIKE_MODE_USERSPACE, TURNPIKE_HOOK_NONE, NULL },
	ATTACH_POINTS(ATTACH_POINT)
};
/* clang-format on */
#undef ATTACH_POINT

const struct attach_point *point_find(enum turnpike_mode mode, enum turnpike_hook hook)
{
	size_t i;

	for (i = 0; i < N_ATTACH_POINTS; i++)
		if (attach_points[i].mode == mode && attach_points[i].hook == hook)
			return &attach_points[i];
	return NULL;
}

static const struct attach_point observer_points[] = {
	{ TURNPIKE_MODE_TC, TURNPIKE_HOOK_TCX, &hook_tcx_egress },
	{ TURNPIKE_MODE_TC, TURNPIKE_HOOK_CLSACT, &hook_clsact_egress },
};

const struct attach_point *point_of_observer(enum turnpike_hook hook)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(observer_points); i++)
		if (observer_points[i].hook == hook)
			return &observer_points[i];
	return NULL;
}

bool point_wanted(const struct attach_point *point, enum turnpike_mode mode,
		  enum turnpike_hook hook)
{
	const bool other = hook == TURNPIKE_HOOK_DISPATCHER && !point_is_xdp(point);

	return (mode == TURNPIKE_MODE_AUTO || mode == point->mode) &&
	       (hook == TURNPIKE_HOOK_AUTO || hook == point->hook || other);
}

int point_program_id(int prog_fd, __u32 *ret)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (!err)
		*ret = info.id;
	return err;
}

bool point_has(const struct attach_point *point, __u32 ifindex, __u32 id)
{
	__u32 ids[HOOK_MAX_PROGS], n = 0, i;

	if (point->ops->query(ifindex, ids, &n))
		return false;
	for (i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static int check_attached(const struct attach_point *point, __u32 ifindex, __u32 id)
{
	return point_has(point, ifindex, id) ? 0 : -ENOENT;
}

int point_attach(const struct attach_point *point, __u32 ifindex, int prog_fd,
		 struct hook_state *state, __u32 *ret)
{
	__u32 id = 0;
	int err = point_program_id(prog_fd, &id);

	if (!err)
		err = point->ops->attach(ifindex, prog_fd, state);
	if (err)
		return err;
	err = check_attached(point, ifindex, id);
	if (err) {
		point->ops->detach(state);
		return err;
	}
	*ret = id;
	return 0;
}

int point_replace(const struct attach_point *point, __u32 ifindex, int prog_fd,
		  const struct hook_state *state, __u32 *ret)
{
	__u32 id = 0;
	int err = point_program_id(prog_fd, &id);

	if (!err)
		err = point->ops->replace(state, prog_fd);
	if (!err)
		err = check_attached(point, ifindex, id);
	if (!err)
		*ret = id;
	return err;
}

/* What errors mean, for people: the first row that matches. AUTO matches any point. */
static const struct {
	int err;
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	const char *meaning;
} meanings[] = {
	{ -EPERM, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_DISPATCHER,
	  "a dispatcher needs CAP_SYS_ADMIN, which a server keeps only with --xdp-dispatcher, or "
	  "where a dispatcher is attached when it starts: restart it as root" },
	{ -EINVAL, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_DISPATCHER,
	  "libxdp or the kernel refuses: since Linux 6.12, programs that change packets need a "
	  "dispatcher of libxdp 1.5.5" },
	{ -E2BIG, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_DISPATCHER, "the dispatcher is full" },
	{ -ENOSYS, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_DISPATCHER,
	  "the kernel cannot run libxdp's dispatcher: it lacks BPF_PROG_TYPE_EXT" },
	{ -EPERM, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_AUTO,
	  "not permitted, run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
	{ -EOPNOTSUPP, TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_AUTO,
	  "the driver has no native XDP, or not with the device's present settings" },
	{ -EINVAL, TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_AUTO,
	  "the driver refuses, often because of the MTU or the number of queues: see dmesg" },
	{ -EINVAL, TURNPIKE_MODE_TC, TURNPIKE_HOOK_TCX,
	  "the kernel has no tcx, it needs Linux 6.6" },
	{ -EACCES, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_AUTO,
	  "the kernel's verifier rejects the program: run 'turnpike verify'" },
	{ -ENOENT, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_AUTO,
	  "it was attached, but the kernel does not list it" },
	{ -EOWNERDEAD, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_AUTO,
	  "the helper process has ended: restart the server" },
	{ -ENOTSUP, TURNPIKE_MODE_AUTO, TURNPIKE_HOOK_AUTO,
	  "not supported by the kernel or the device" },
};

static const char *meaning_of(const struct attach_point *point, int err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(meanings); i++)
		if (meanings[i].err == err &&
		    (meanings[i].mode == TURNPIKE_MODE_AUTO ||
		     point_wanted(point, meanings[i].mode, meanings[i].hook)))
			return meanings[i].meaning;
	return strerror(-err);
}

void point_owner(const struct attach_point *point, __u32 ifindex, struct owner *ret)
{
	__u32 ids[HOOK_MAX_PROGS], n = 0, len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { 0 };
	int fd;

	*ret = (struct owner){ 0 };
	if (point->ops->query(ifindex, ids, &n) || !n)
		return;
	ret->id = ids[0];
	fd = bpf_prog_get_fd_by_id(ret->id);
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
		snprintf(ret->name, sizeof(ret->name), "%s", info.name);
	if (fd >= 0)
		close(fd);
}

/* Name the program that holds the hook, so that people can find its owner. */
static void explain_owner(const struct owner *owner, struct text *text)
{
	if (owner->id)
		text_append(text, "program %u", owner->id);
	else
		text_append(text, "another program");
	if (owner->name[0])
		text_append(text, " '%s'", owner->name);
	text_append(text, " is already attached");
}

void point_explain(const struct attach_point *point, int err, const struct owner *owner,
		   struct text *text)
{
	if (text->buffer[0])
		text_append(text, "; ");
	text_append(text, "%s: ", turnpike_mode_name(point->mode));
	if (point->hook != TURNPIKE_HOOK_XDP)
		text_append(text, "%s: ", turnpike_hook_name(point->hook));
	if (err == -EBUSY || err == -EEXIST)
		explain_owner(owner, text);
	else
		text_append(text, "%s", meaning_of(point, err));
}

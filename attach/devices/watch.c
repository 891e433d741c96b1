/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <turnpike/abi.h>

#include "watch.skel.h"

/* A watch is its skeleton. */
static struct watch_bpf *skeleton_of(const struct watch *watch)
{
	return (struct watch_bpf *)(uintptr_t)watch;
}

static int open_watch(struct watch **ret)
{
	struct watch_bpf *skeleton;
	struct stat netns;
	int err;

	if (stat("/proc/thread-self/ns/net", &netns))
		return -errno;
	skeleton = watch_bpf__open();
	if (!skeleton)
		return -errno;
	skeleton->rodata->netns = (__u32)netns.st_ino;
	err = watch_bpf__load(skeleton);
	if (!err)
		err = watch_bpf__attach(skeleton);
	if (err) {
		watch_bpf__destroy(skeleton);
		return err;
	}
	*ret = (struct watch *)skeleton;
	return 0;
}

/* A second time, only the map is returned. */
static int run_open(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct watch_bpf *skeleton;
	int err = privileged->watch ? 0 : open_watch(&privileged->watch);

	(void)args;
	(void)result;
	if (err)
		return err;
	skeleton = skeleton_of(privileged->watch);
	*fd = fcntl(bpf_map__fd(skeleton->maps.lost), F_DUPFD_CLOEXEC, 0);
	return *fd < 0 ? -errno : 0;
}

OPERATION(watch_operation_open, OPERATION_WATCH, run_open, struct nothing, struct nothing);

int watch_open(struct privileged *privileged, int *ret)
{
	struct nothing nothing = { 0 };

	return privileged_call(privileged, &watch_operation_open, &nothing, &nothing, ret);
}

void watch_end(struct privileged *privileged)
{
	watch_bpf__destroy(skeleton_of(privileged->watch));
	privileged->watch = NULL;
}

__u64 watch_lost(int map, __u32 from, __u32 to)
{
	const struct turnpike_way way = { .from = from, .to = to };
	__u64 lost;

	if (map < 0 || bpf_map_lookup_elem(map, &way, &lost))
		return 0;
	return lost;
}

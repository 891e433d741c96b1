/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <turnpike/abi.h>

#include "watch.skel.h"

/* A watch is its skeleton. */
static struct watch_bpf *skeleton_of(const struct watch *watch)
{
	return (struct watch_bpf *)(uintptr_t)watch;
}

int watch_open(struct watch **ret)
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

void watch_close(struct watch *watch)
{
	watch_bpf__destroy(skeleton_of(watch));
}

__u64 watch_lost(const struct watch *watch, __u32 from, __u32 to)
{
	const struct turnpike_way way = { .from = from, .to = to };
	__u64 lost;

	if (!watch || bpf_map_lookup_elem(bpf_map__fd(skeleton_of(watch)->maps.lost), &way, &lost))
		return 0;
	return lost;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/sysfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Newer kernels show more than 64 features, but those of virtio_net that matter are below. */
#define FEATURES_MAX 64

static bool read_line(const char *dev, const char *name, char *ret, int size)
{
	char path[64 + IFNAMSIZ];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", dev, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(ret, size, file) != NULL;
	fclose(file);
	return ok;
}

/* A device of the same name in another namespace often has the same index, but not the MAC. */
static bool is_same_device(const struct link_facts *link)
{
	char line[64], address[sizeof("00:00:00:00:00:00")];

	snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x", link->mac[0],
		 link->mac[1], link->mac[2], link->mac[3], link->mac[4], link->mac[5]);
	return read_line(link->name, "ifindex", line, sizeof(line)) &&
	       strtoul(line, NULL, 10) == link->ifindex &&
	       read_line(link->name, "address", line, sizeof(line)) &&
	       strncmp(line, address, sizeof(address) - 1) == 0;
}

bool sysfs_parse_features(const char *text, __u64 *ret)
{
	const size_t len = strspn(text, "01");
	__u64 features = 0;
	size_t i;

	if (len < FEATURES_MAX || (text[len] && text[len] != '\n'))
		return false;
	for (i = 0; i < FEATURES_MAX; i++)
		if (text[i] == '1')
			features |= 1ull << i;
	*ret = features;
	return true;
}

void sysfs_read(const struct link_facts *link, struct turnpike_facts *facts)
{
	char line[512];

	facts->virtio_known = strcmp(facts->driver, "virtio_net") == 0 && is_same_device(link) &&
			      read_line(link->name, "device/features", line, sizeof(line)) &&
			      sysfs_parse_features(line, &facts->virtio_features);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel has about 64 features, and a driver has a few private flags. */
#define STRINGS_MAX 256

struct device {
	int fd;
	const char *name;
};

static bool ask(const struct device *device, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device->name);
	return ioctl(device->fd, SIOCETHTOOL, &ifr) == 0;
}

static void read_driver(const struct device *device, struct turnpike_facts *facts)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (!ask(device, &info))
		return;
	memcpy(facts->driver, info.driver, sizeof(facts->driver) - 1);
	memcpy(facts->driver_version, info.version, sizeof(facts->driver_version) - 1);
}

static void read_channels(const struct device *device, struct turnpike_facts *facts)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (!ask(device, &channels))
		return;
	facts->queues = (struct turnpike_queues){
		.rx = channels.rx_count,
		.tx = channels.tx_count,
		.combined = channels.combined_count,
		.max_rx = channels.max_rx,
		.max_tx = channels.max_tx,
		.max_combined = channels.max_combined,
	};
}

/* Get the names of a set of bits, or NULL; release them with free(). */
static struct ethtool_gstrings *read_names(const struct device *device, __u32 set)
{
	union {
		struct ethtool_sset_info info;
		__u8 room[sizeof(struct ethtool_sset_info) + sizeof(__u32)];
	} size = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << set } };
	struct ethtool_gstrings *names;
	__u32 count;

	if (!ask(device, &size) || !size.info.sset_mask)
		return NULL;
	count = size.info.data[0];
	if (count > STRINGS_MAX)
		return NULL;
	names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	if (!names)
		return NULL;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = set;
	names->len = count;
	if (ask(device, names))
		return names;
	free(names);
	return NULL;
}

/* Find the number of a bit, or -1. */
static int find_bit(const struct ethtool_gstrings *names, const char *name)
{
	__u32 i;

	for (i = 0; i < names->len; i++)
		if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, name,
			    ETH_GSTRING_LEN) == 0)
			return (int)i;
	return -1;
}

static __u32 offload(const struct ethtool_gfeatures *features, const struct ethtool_gstrings *names,
		     const char *name)
{
	const int bit = find_bit(names, name);
	const struct ethtool_get_features_block *block;
	__u32 mask;

	if (bit < 0)
		return 0;
	block = &features->features[bit / 32];
	mask = 1u << (bit % 32);
	return TURNPIKE_KNOWN | (block->active & mask ? TURNPIKE_ON : 0) |
	       ((block->available & ~block->never_changed) & mask ? 0 : TURNPIKE_FIXED);
}

static void read_offloads(const struct device *device, struct turnpike_facts *facts)
{
	union {
		struct ethtool_gfeatures head;
		__u8 room[sizeof(struct ethtool_gfeatures) +
			  STRINGS_MAX / 32 * sizeof(struct ethtool_get_features_block)];
	} features = { .head = { .cmd = ETHTOOL_GFEATURES, .size = STRINGS_MAX / 32 } };
	struct ethtool_gstrings *names = read_names(device, ETH_SS_FEATURES);

	if (names && ask(device, &features)) {
		facts->lro = offload(&features.head, names, "rx-lro");
		facts->gro_hw = offload(&features.head, names, "rx-gro-hw");
		facts->rx_csum = offload(&features.head, names, "rx-checksum");
		facts->rx_vlan = offload(&features.head, names, "rx-vlan-hw-parse");
		facts->gro = offload(&features.head, names, "rx-gro");
		facts->gro_list = offload(&features.head, names, "rx-gro-list");
		facts->gro_forwarding = offload(&features.head, names, "rx-udp-gro-forwarding");
	}
	free(names);
}

static void read_private_flags(const struct device *device, struct turnpike_facts *facts)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GPFLAGS };
	struct ethtool_gstrings *names = read_names(device, ETH_SS_PRIV_FLAGS);
	const int bit = names ? find_bit(names, "legacy-rx") : -1;

	if (bit >= 0 && ask(device, &flags))
		facts->legacy_rx = TURNPIKE_KNOWN | (flags.data >> bit & 1 ? TURNPIKE_ON : 0);
	free(names);
}

void ethtool_read(struct turnpike_facts *facts)
{
	const struct device device = {
		.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
		.name = facts->dev,
	};

	if (device.fd < 0)
		return;
	read_driver(&device, facts);
	read_channels(&device, facts);
	read_offloads(&device, facts);
	read_private_flags(&device, facts);
	close(device.fd);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stddef.h>

#include "base/addr.h"
#include "base/special_net.h"
#include "private/array_len.h"

#define V4(A, B, C, D, PREFIX)                                                                 \
	{                                                                                      \
		.addr = { .ip = { A, B, C, D }, .family = TURNPIKE_IPV4 }, .prefix = (PREFIX), \
	}
#define G(GROUP) (GROUP) >> 8, (GROUP)&0xff
#define V6(A, B, C, D, E, F, H, I, PREFIX)                                          \
	{                                                                           \
		.addr = { .ip = { G(A), G(B), G(C), G(D), G(E), G(F), G(H), G(I) }, \
			  .family = TURNPIKE_IPV6 },                                \
		.prefix = (PREFIX),                                                 \
	}

/*
 * The IANA special-purpose address registries of 2026 (RFC 6890), as far as an address is not
 * globally reachable, with the multicast blocks, what is deprecated, and metadata services. IPv6
 * forms of IPv4 addresses have a rule of their own, see addr_cidr_embeds_v4().
 */
/* clang-format off: one row per prefix */
static const struct {
	struct addr_cidr cidr;
	enum special_net what;
} nets[] = {
	{ V4(10, 0, 0, 0, 8), SPECIAL_PRIVATE },      /* RFC 1918 */
	{ V4(172, 16, 0, 0, 12), SPECIAL_PRIVATE },   /* RFC 1918 */
	{ V4(192, 168, 0, 0, 16), SPECIAL_PRIVATE },  /* RFC 1918 */
	{ V4(100, 64, 0, 0, 10), SPECIAL_PRIVATE },   /* RFC 6598, shared: carriers, Tailscale */
	{ V4(198, 18, 0, 0, 15), SPECIAL_PRIVATE },   /* RFC 2544, benchmarking */
	{ V4(192, 0, 2, 0, 24), SPECIAL_PRIVATE },    /* RFC 5737, documentation */
	{ V4(198, 51, 100, 0, 24), SPECIAL_PRIVATE }, /* RFC 5737, documentation */
	{ V4(203, 0, 113, 0, 24), SPECIAL_PRIVATE },  /* RFC 5737, documentation */
	{ V6(0xfc00, 0, 0, 0, 0, 0, 0, 0, 7), SPECIAL_PRIVATE },      /* RFC 4193, unique local */
	{ V6(0x2001, 2, 0, 0, 0, 0, 0, 0, 48), SPECIAL_PRIVATE },     /* RFC 5180, benchmarking */
	{ V6(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0, 32), SPECIAL_PRIVATE }, /* RFC 3849, documentation */
	{ V6(0x3fff, 0, 0, 0, 0, 0, 0, 0, 20), SPECIAL_PRIVATE },     /* RFC 9637, documentation */

	{ V4(0, 0, 0, 0, 8), SPECIAL_UNUSABLE },      /* RFC 791, this network */
	{ V4(127, 0, 0, 0, 8), SPECIAL_UNUSABLE },    /* RFC 1122, loopback */
	{ V4(169, 254, 0, 0, 16), SPECIAL_UNUSABLE }, /* RFC 3927, link-local */
	{ V4(192, 0, 0, 0, 24), SPECIAL_UNUSABLE },   /* RFC 6890, protocol assignments */
	{ V4(192, 0, 0, 9, 32), SPECIAL_NONE },       /* RFC 7723, PCP anycast */
	{ V4(192, 0, 0, 10, 32), SPECIAL_NONE },      /* RFC 8155, TURN anycast */
	{ V4(224, 0, 0, 0, 4), SPECIAL_UNUSABLE },    /* RFC 5771, multicast */
	{ V4(240, 0, 0, 0, 4), SPECIAL_UNUSABLE },    /* RFC 1112, reserved; RFC 919, broadcast */
	{ V6(0, 0, 0, 0, 0, 0, 0, 0, 128), SPECIAL_UNUSABLE },     /* RFC 4291, unspecified */
	{ V6(0, 0, 0, 0, 0, 0, 0, 1, 128), SPECIAL_UNUSABLE },     /* RFC 4291, loopback */
	{ V6(0x100, 0, 0, 0, 0, 0, 0, 0, 64), SPECIAL_UNUSABLE },  /* RFC 6666, discard */
	{ V6(0x100, 0, 0, 1, 0, 0, 0, 0, 64), SPECIAL_UNUSABLE },  /* RFC 9780, dummy */
	{ V6(0x2001, 0, 0, 0, 0, 0, 0, 0, 23), SPECIAL_UNUSABLE }, /* RFC 2928, protocols */
	{ V6(0x2001, 1, 0, 0, 0, 0, 0, 1, 128), SPECIAL_NONE },    /* RFC 7723, PCP anycast */
	{ V6(0x2001, 1, 0, 0, 0, 0, 0, 2, 128), SPECIAL_NONE },    /* RFC 8155, TURN anycast */
	{ V6(0x2001, 1, 0, 0, 0, 0, 0, 3, 128), SPECIAL_NONE },    /* RFC 9665, SRP anycast */
	{ V6(0x2001, 3, 0, 0, 0, 0, 0, 0, 32), SPECIAL_NONE },     /* RFC 7450, AMT */
	{ V6(0x2001, 4, 0x112, 0, 0, 0, 0, 0, 48), SPECIAL_NONE }, /* RFC 7535, AS112 */
	{ V6(0x2001, 0x20, 0, 0, 0, 0, 0, 0, 28), SPECIAL_NONE },  /* RFC 7343, ORCHIDv2 */
	{ V6(0x2001, 0x30, 0, 0, 0, 0, 0, 0, 28), SPECIAL_NONE },  /* RFC 9374, drones */
	{ V6(0x5f00, 0, 0, 0, 0, 0, 0, 0, 16), SPECIAL_UNUSABLE }, /* RFC 9602, SRv6 SIDs */
	{ V6(0xfe80, 0, 0, 0, 0, 0, 0, 0, 10), SPECIAL_UNUSABLE }, /* RFC 4291, link-local */
	{ V6(0xfec0, 0, 0, 0, 0, 0, 0, 0, 10), SPECIAL_UNUSABLE }, /* RFC 3879, site-local */
	{ V6(0xff00, 0, 0, 0, 0, 0, 0, 0, 8), SPECIAL_UNUSABLE },  /* RFC 4291, multicast */

	{ V4(192, 88, 99, 0, 24), SPECIAL_TUNNEL },              /* RFC 7526, 6to4 relays */
	{ V6(0x2001, 0, 0, 0, 0, 0, 0, 0, 32), SPECIAL_TUNNEL }, /* RFC 4380, Teredo */
	{ V6(0x2002, 0, 0, 0, 0, 0, 0, 0, 16), SPECIAL_TUNNEL }, /* RFC 3056, 6to4 */

	{ V4(169, 254, 169, 254, 32), SPECIAL_METADATA }, /* nearly all clouds */
	{ V4(169, 254, 169, 253, 32), SPECIAL_METADATA }, /* AWS: names of the private network */
	{ V4(169, 254, 170, 2, 32), SPECIAL_METADATA },   /* AWS: credentials of ECS tasks */
	{ V4(169, 254, 170, 23, 32), SPECIAL_METADATA },  /* AWS: credentials of EKS pods */
	{ V4(169, 254, 0, 23, 32), SPECIAL_METADATA },    /* Tencent */
	{ V4(169, 254, 10, 10, 32), SPECIAL_METADATA },   /* Tencent */
	{ V4(169, 254, 42, 42, 32), SPECIAL_METADATA },   /* Scaleway */
	{ V4(100, 100, 100, 200, 32), SPECIAL_METADATA }, /* Alibaba */
	{ V4(100, 96, 0, 96, 32), SPECIAL_METADATA },     /* Volcengine */
	{ V4(168, 63, 129, 16, 32), SPECIAL_METADATA },   /* Azure: WireServer, a public address */
	{ V4(192, 0, 0, 192, 32), SPECIAL_METADATA },     /* Oracle, classic */
	{ V6(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254, 128), SPECIAL_METADATA },      /* AWS */
	{ V6(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253, 128), SPECIAL_METADATA },      /* AWS: names */
	{ V6(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23, 128), SPECIAL_METADATA },       /* AWS: EKS pods */
	{ V6(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254, 128), SPECIAL_METADATA },       /* Google */
	{ V6(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe, 128), SPECIAL_METADATA }, /* Oracle */
	{ V6(0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200, 128), SPECIAL_METADATA },  /* Alibaba */
	{ V6(0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1, 128), SPECIAL_METADATA },    /* Akamai */
	{ V6(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42, 128), SPECIAL_METADATA },        /* Scaleway */
	{ V6(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe, 128), SPECIAL_METADATA },    /* OpenStack */
};
/* clang-format on */

enum special_net special_net_find(const struct turnpike_addr *addr, unsigned int *prefix)
{
	enum special_net what = SPECIAL_NONE;

	*prefix = 0;
	for (size_t i = 0; i < ARRAY_LEN(nets); i++) {
		if (nets[i].cidr.prefix <= *prefix || !addr_cidr_contains(&nets[i].cidr, addr))
			continue;
		what = nets[i].what;
		*prefix = nets[i].cidr.prefix;
	}
	return what;
}

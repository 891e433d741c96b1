/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include <arpa/inet.h>

#include "host_maps.h"
#include "scenario.h"
#include "wire.h"

/* The longest frame in a page, without what the kernel reserves at both ends. */
#define NATIVE_FRAME_MAX 3600

/* Neither the first nor the last element. */
#define HOP_INDEX 3

#define MS 1000000ull

static __u64 earlier(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static struct turnpike_tag tag_of(const __u8 *bytes)
{
	struct turnpike_tag tag;

	memcpy(&tag, bytes, sizeof(tag));
	return tag;
}

static void read_nexthop(const struct scenario *scenario, struct situation *ret)
{
	const enum hop hop = scenario->hop % HOPS;
	struct turnpike_hop *ours = &ret->nexthop.hop[scenario->hop & 1];
	int i;

	memset(&ret->nexthop, 0x55, sizeof(ret->nexthop));
	/* Only the lowest bit selects a hop. */
	ret->nexthop.current = 0x56 | (scenario->hop & 1);
	ret->nexthop.ip4_id = 0x1ffff;
	ret->hop = hop == HOP_BEYOND ? HOST_NEXTHOPS : HOP_INDEX;
	memset(ours, 0, sizeof(*ours));
	if (hop == HOP_UNRESOLVED || hop == HOP_ZERO)
		return;
	mac_addr(MAC_NEXT, ours->dmac);
	mac_addr(hop == HOP_SAME ? MAC_OURS : MAC_EGRESS, ours->smac);
	ours->ifindex = hop == HOP_SAME ? TESTBED_IFINDEX : TESTBED_IFINDEX + 2;
	ours->flags = (__u8)(hop == HOP_NO_XMIT ? 0 : TURNPIKE_HOP_XDP_XMIT);
	ours->mtu = wire16(scenario->hop_mtu);
	ours->tags = scenario->hop_tags % (TURNPIKE_TAGS_MAX + 1);
	for (i = 0; i < ours->tags; i++) {
		ours->tag[i] = tag_of(scenario->hop_tag[i]);
		ours->tag[i].tci &= htons(TURNPIKE_TAG_VID);
	}
}

/* The peer that the client of the flow's binding names. */
static struct turnpike_addr named_peer(const struct situation *s, enum host host)
{
	const bool hairpin = s->direction == TURNPIKE_DIR_HAIRPIN;
	const bool as_in =
		hairpin ? s->indications & IND_PEER_AS_IN : s->direction == TURNPIKE_DIR_TO_CLIENT;

	return host_addr(host, as_in ? s->families.in : s->families.out);
}

/* The key of the same client's Send indications. */
static void make_send_key(const struct situation *s, struct flow_key *key)
{
	const struct turnpike_addr peer = named_peer(s, PEER);
	const struct flow_key channel = *key;

	memset(key, 0, sizeof(*key));
	key->table = TURNPIKE_SENDS;
	key->send.family = s->families.in;
	if (s->families.in == TURNPIKE_IPV4) {
		memcpy(key->send.src, &channel.key4.src, 4);
		memcpy(key->send.dst, &channel.key4.dst, 4);
		memcpy(&key->send.sport, &channel.key4.sport, 4);
	} else {
		memcpy(key->send.src, channel.key6.src, 16);
		memcpy(key->send.dst, channel.key6.dst, 16);
		memcpy(&key->send.sport, &channel.key6.sport, 4);
	}
	memcpy(key->send.peer, peer.ip, sizeof(key->send.peer));
	key->send.peer_port = peer.port;
	key->send.peer_family = peer.family;
}

/* The peer has another name than address, so that no packet leaves with the wrong one. */
static void read_indications(__u8 indications, struct situation *ret)
{
	const __u8 possible[TURNPIKE_DIR_MAX] = {
		[TURNPIKE_DIR_TO_PEER] = IND_SEND,
		[TURNPIKE_DIR_TO_CLIENT] = IND_DATA,
		[TURNPIKE_DIR_HAIRPIN] = IND_SEND | IND_DATA | IND_PEER_AS_IN,
	};

	ret->indications = indications & possible[ret->direction];
	if (ret->indications & IND_SEND)
		make_send_key(ret, &ret->flow.key);
	if (ret->indications & IND_DATA) {
		ret->flow.flow.framing = htons(TURNPIKE_DATA_INDICATION);
		ret->flow.flow.xor_peer = named_peer(ret, NOBODY);
	}
}

static void read_flow(const struct scenario *scenario, struct situation *ret)
{
	const enum turnpike_direction direction = scenario->flow % TURNPIKE_DIR_MAX;
	int i;

	ret->pair = scenario->pair % FAMILIES;
	ret->families = families[ret->pair];
	ret->has_flow = direction != TURNPIKE_DIR_NONE;
	ret->direction = ret->has_flow ? direction : TURNPIKE_DIR_TO_PEER;
	vector_flow(ret->direction, framings[0], ret->families, &ret->flow);
	read_indications(scenario->indications, ret);
	ret->flow.flow.expires = TESTBED_NOW;
	if (!(scenario->expired & 1))
		ret->flow.flow.expires += 1 + scenario->life * 10 * MS;
	ret->flow.flow.nexthop = ret->hop;
	ret->muted = scenario->expired & 2;
	ret->decrypted = scenario->expired & 4;
	ret->limited = scenario->limited & 1;
	ret->level = (scenario->limited >> 1) % TURNPIKE_POLICER_LEVELS;
	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++) {
		ret->allow[i] = wire16(scenario->allow[i]);
		ret->flow.flow.policer[i] = ret->limited ? vector_policer(i, 0) : 0;
	}
}

/* Only states that programs can leave: no check is later than the end of the confirmation. */
static void read_confirmation(const struct scenario *scenario, struct situation *ret)
{
	struct turnpike_flow *flow = &ret->flow.flow;

	ret->no_checks = scenario->no_checks & 1;
	if (!ret->variant->confirms)
		return;
	vector_confirm(flow, ret->nexthop.current);
	if (scenario->until)
		flow->until = TESTBED_CHECK_NOW + scenario->until * 250 * MS - 128 * 250 * MS;
	if (scenario->check_at)
		flow->check_at =
			earlier(flow->check_at,
				TESTBED_CHECK_NOW + scenario->check_at * 125 * MS - 128 * 125 * MS);
	flow->check_at = earlier(flow->check_at, flow->until);
	if (scenario->dscp)
		flow->dscps = ~(1ull << (scenario->dscp & 0x3f));
	flow->dscp_at = TESTBED_CHECK_NOW + !!(scenario->dscp & 0x40);
	switch (scenario->seen % SEEN) {
	case SEEN_NOTHING:
		flow->seen = 0;
		flow->tries = scenario->tries;
		break;
	case SEEN_OTHER_DEVICE:
		flow->seen += turnpike_seen(1, 0);
		break;
	case SEEN_OTHER_PUBLICATION:
		flow->seen += 2;
		break;
	}
}

static void read_room(const struct scenario *scenario, struct situation *ret)
{
	ret->head = scenario->head;
	ret->tail = scenario->tail;
	/* Generic XDP always has 256 bytes of headroom: netif_receive_generic_xdp(). */
	ret->no_floor = scenario->no_floor & 1 && !ret->variant->skb;
	ret->linear = scenario->linear ? ETH_HLEN + scenario->linear : SCENARIO_FRAME_MAX;
	ret->fails_in = ret->variant->tc ? scenario->fails_in : 0;
	ret->stuck = scenario->stuck & 1 && ret->variant->tc;
	ret->gso = scenario->gso & 1 && ret->variant->tc;
}

/* The kernel strips the outer tag before TC, so an in-band tag implies a hwaccel tag. */
static void read_hwaccel_tag(const struct scenario *scenario, struct situation *ret)
{
	ret->has_hwaccel_tag = false;
	if (!ret->variant->tc ||
	    (!scenario->hwaccel_tag[0] && !wire_is_tag(wire16(ret->frame + 12))))
		return;
	ret->has_hwaccel_tag = true;
	ret->hwaccel_tag = tag_of(scenario->hwaccel_tag);
	if (!wire_is_tag(ntohs(ret->hwaccel_tag.tpid)))
		ret->hwaccel_tag.tpid = htons(0x8100);
}

static bool is_channel_flow(const struct flow_key *key)
{
	return key->table == TURNPIKE_FLOWS4   ? key->key4.channel
	       : key->table == TURNPIKE_FLOWS6 ? key->key6.channel
					       : false;
}

/* Addresses and ports are next to each other in frames and in most keys. */
static void repair_ends(const struct flow_key *key, __u8 *addresses, size_t len, __u8 *udp)
{
	const bool ipv4 = key->table == TURNPIKE_FLOWS4;

	if (key->table == TURNPIKE_SENDS) {
		memcpy(addresses, key->send.src, len);
		memcpy(addresses + len, key->send.dst, len);
		memcpy(udp, &key->send.sport, 4);
		return;
	}
	memcpy(addresses, ipv4 ? (const void *)&key->key4.src : key->key6.src, 2 * len);
	memcpy(udp, ipv4 ? &key->key4.sport : &key->key6.sport, 4);
	if (is_channel_flow(key))
		memcpy(udp + UDP_HLEN, ipv4 ? &key->key4.channel : &key->key6.channel, 2);
}

static void repair_key(const struct situation *s, __u8 *ip)
{
	const bool ipv4 = s->families.in == TURNPIKE_IPV4;

	ip[0] = ipv4 ? 0x45 : (__u8)(6 << 4 | (ip[0] & 0xf));
	ip[ipv4 ? 9 : 6] = IPPROTO_UDP;
	repair_ends(&s->flow.key, ip + (ipv4 ? 12 : 8), ipv4 ? 4 : 16,
		    ip + wire_ip_hlen(s->families.in));
}

/* Make the client's message an indication. Return: the length of the payload, perhaps shorter. */
static __u32 repair_indication(const struct situation *s, const struct scenario *scenario,
			       __u8 *payload, __u32 len)
{
	struct recipe recipe = { .type = TURNPIKE_SEND_INDICATION,
				 .peer = named_peer(s, PEER),
				 .padding = scenario->padding };
	struct indication made;
	__u32 made_len;

	memcpy(recipe.attrs, scenario->attrs, sizeof(recipe.attrs));
	made_len = indication_make(&recipe, payload, len, &made);
	return made_len ? made_len : len;
}

static void repair_lengths(const struct situation *s, const struct scenario *scenario, __u8 *ip,
			   __u32 len)
{
	const __u32 hlen = wire_ip_hlen(s->families.in) + UDP_HLEN;
	const __u32 padding = scenario->padding % 5;
	const bool ipv4 = s->families.in == TURNPIKE_IPV4;
	__u32 trailer = scenario->trailer;
	__u8 *payload = ip + hlen;

	if (len < hlen + 4 + padding + trailer)
		return;
	len -= hlen + trailer;
	if (s->indications & IND_SEND)
		len = repair_indication(s, scenario, payload, len);
	else if (is_channel_flow(&s->flow.key))
		put_wire16(payload + 2, len - 4 - padding);
	put_wire16(payload - 4, UDP_HLEN + len);
	put_wire16(ip + (ipv4 ? 2 : 4), UDP_HLEN + len + (ipv4 ? 20 : 0));
}

/* Damage a packet that is nearly right. */
static void spoil(const struct scenario *scenario, struct situation *s, __u8 *payload)
{
	__u8 *byte = payload + scenario->spoil[0];

	if (byte < s->frame + s->len)
		*byte ^= scenario->spoil[1];
}

static void repair_udp_check(const struct situation *s, __u8 repair, __u8 *ip, __u32 len)
{
	__u8 *udp = ip + wire_ip_hlen(s->families.in);
	__u32 udp_len = wire16(udp + 4);

	if (repair & (REPAIR_UDP_ZERO | REPAIR_UDP_CHECK | REPAIR_UDP_PARTIAL))
		put_wire16(udp + 6, 0);
	if (repair & REPAIR_UDP_PARTIAL)
		put_wire16(udp + 6, wire_pseudo_sum(ip, udp_len));
	else if (repair & REPAIR_UDP_CHECK && udp + udp_len <= ip + len)
		put_wire16(udp + 6, wire_check(wire_udp_sum(ip, udp_len)));
}

static void repair(const struct scenario *scenario, struct situation *s)
{
	__u32 l2 = wire_l2_len(s->frame, s->len);
	__u8 *ip = s->frame + l2;

	if (s->len < l2 + wire_ip_hlen(s->families.in) + UDP_HLEN + 4)
		return;
	if (scenario->repair & REPAIR_MAC) {
		mac_addr(MAC_OURS, s->frame);
		put_wire16(ip - 2, s->families.in == TURNPIKE_IPV4 ? 0x0800 : 0x86dd);
	}
	if (scenario->repair & REPAIR_KEY)
		repair_key(s, ip);
	if (scenario->repair & REPAIR_LENGTHS)
		repair_lengths(s, scenario, ip, s->len - l2);
	spoil(scenario, s, ip + wire_ip_hlen(s->families.in) + UDP_HLEN);
	if (scenario->repair & REPAIR_IP_CHECK && s->families.in == TURNPIKE_IPV4) {
		put_wire16(ip + 10, 0);
		put_wire16(ip + 10, (__u16)~wire_fold(wire_add(0, ip, 20)));
	}
	/* The checksum depends on the IP version of the packet. */
	if (ip[0] >> 4 == s->families.in)
		repair_udp_check(s, scenario->repair, ip, s->len - l2);
}

void scenario_state(const struct scenario *scenario, struct situation *ret)
{
	ret->variant = &variants[scenario->variant % VARIANTS];
	ret->device_mtu = wire16(scenario->device_mtu);
	ret->random = scenario->random * 0x01234567u;
	read_nexthop(scenario, ret);
	read_flow(scenario, ret);
	read_confirmation(scenario, ret);
	read_room(scenario, ret);
}

bool scenario_read(const __u8 *data, size_t size, struct situation *ret)
{
	struct scenario scenario;
	__u32 stretch, i;

	if (size < sizeof(scenario) + ETH_HLEN)
		return false;
	memcpy(&scenario, data, sizeof(scenario));
	scenario_state(&scenario, ret);
	ret->len = (__u32)(size - sizeof(scenario));
	stretch = wire16(scenario.stretch);
	if (ret->len + stretch > (ret->variant->skb ? SCENARIO_FRAME_MAX : NATIVE_FRAME_MAX))
		return false;
	memcpy(ret->frame, data + sizeof(scenario), ret->len);
	for (i = 0; i < stretch; i++)
		ret->frame[ret->len++] = (__u8)(i * 7 + (i >> 8));
	repair(&scenario, ret);
	read_hwaccel_tag(&scenario, ret);
	return true;
}

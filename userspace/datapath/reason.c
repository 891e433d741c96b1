/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/reason.h"

/* clang-format off */
const struct reason_info reason_infos[N_REASONS] = {
	[REASON_NONE] = { "", "", "" },
	[REASON_TCP] = {
		"tcp", "the client uses TCP",
		"Let the client reach the UDP port of the server: the kernel relays UDP only." },
	[REASON_TLS] = {
		"tls", "the client uses TLS",
		"Let the client reach the UDP port of the server: the kernel relays UDP only." },
	[REASON_DTLS] = {
		"dtls", "the client uses DTLS",
		"Use UDP without DTLS where the data itself is encrypted, as in WebRTC." },
	[REASON_NO_PEER] = {
		"no_peer", "the client has permitted no peer",
		"None is needed: the client has not begun, or looks for a better path." },
	[REASON_NO_DATA] = {
		"no_data", "the client and its peers have exchanged no data but STUN messages",
		"None is needed: connectivity checks are left to user space." },
	[REASON_PAIRS] = {
		"pairs", "the allocation has as many pairs as --max-channels permits",
		"Raise --max-channels, or let the client bind channels." },
	[REASON_IDLE] = {
		"no_device", "no device relays in the kernel",
		"Run 'turnpike status' for the reason of each device, and 'turnpike probe' for the remedy." },
	[REASON_LINK_LOCAL] = {
		"link_local", "link-local addresses are relayed in user space",
		"Let client, server and peer use global addresses." },
	[REASON_REFUSED] = {
		"refused", "the kernel has refused the flow",
		"Look for 'a flow stays in user space' in the log of the server." },
	[REASON_EXPIRED] = {
		"expired", "the channel or permission has expired",
		"None is needed: the client renews it when it has data." },
	[REASON_SHARE] = {
		"share", "the user's share is used up",
		"Raise the share that the clause names, see turnpike-serve(8)." },
	[REASON_FLOWS] = {
		"flows", "waits for room in the map of flows",
		"Raise --max-flows, and restart the server." },
	[REASON_NEXTHOPS] = {
		"next_hops", "waits for room in the map of next hops",
		"Lower --user-next-hops, so that no user takes the room of others." },
	[REASON_SETTLING] = {
		"settling", "waits until packets in flight have left a freed next hop",
		"None is needed: it takes a second." },
	[REASON_ERROR] = {
		"error", "waits for an error of the kernel to pass",
		"Look for a lack of memory: each flow is tried again within 30 seconds." },
	[REASON_UNRESOLVED] = {
		"unresolved", "the next hop is not resolved",
		"Check the route and the neighbour with 'ip route get' and 'ip neigh'." },
	[REASON_NEW] = {
		"new", "no packet has been confirmed yet",
		"Wait for data in this direction: its first packets take the stack." },
	[REASON_AGAIN] = {
		"again", "waits to be confirmed again",
		"None is needed: the next packet takes the stack, and confirms the flow." },
	[REASON_LOCAL] = {
		"local_peer", "the peer is this host: its client has no flow",
		"Let both clients use UDP, and exchange data in both directions." },
	[REASON_HAIRPIN] = {
		"hairpin", "the peer is a client of this relay: see its session",
		"None is needed: what it sends is relayed, and counted, in its own session." },
	[REASON_UNSEEN] = {
		"unseen", "dropped before the wire, or sent by a device that is not attached",
		"Check the rules of the firewall, and attach the device with --dev, if "
		"'turnpike probe' says that it can relay." },
	[REASON_DEVICE] = {
		"device", "leaves by another device than the route says",
		"Make policy routing depend on addresses only, not on ports, marks or DSCPs." },
	[REASON_NEXTHOP] = {
		"next_hop", "leaves to another next hop",
		"Make policy routing depend on addresses only, not on ports, marks or DSCPs." },
	[REASON_TAGS] = {
		"vlan_tags", "leaves with other VLAN tags",
		"Remove the tc or bridge rule that changes the VLAN tags." },
	[REASON_SOURCE] = {
		"nat_address", "the host's NAT changes the source address",
		"Exempt the ports of the relay from SNAT and MASQUERADE." },
	[REASON_PORT] = {
		"nat_port", "the host's NAT changes the source port",
		"Exempt the ports of the relay from SNAT and MASQUERADE." },
	[REASON_ENCRYPTED] = {
		"encrypted", "leaves encrypted",
		"None is needed: the stack applies IPsec." },
	[REASON_ENCAPSULATED] = {
		"encapsulated", "leaves encapsulated",
		"None is needed: the stack sends it through a tunnel." },
	[REASON_DECRYPTED] = {
		"decrypted", "arrives encrypted",
		"None is needed: the stack applies IPsec." },
	[REASON_MAY_BE_DECRYPTED] = {
		"may_be_decrypted", "may arrive encrypted, which generic XDP does not see",
		"Change the mode of the device to tc." },
};
/* clang-format on */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors of peers, reported to clients in Data indications: RFC 8656 section 11.5. */
#include "private/array_len.h"
#include "stun/writer.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/self_addr.h"

/** Header, XOR-PEER-ADDRESS with an IPv6 address, and ICMP. */
#define INDICATION_MAX (STUN_HEADER_LEN + STUN_ATTR_HEADER_LEN + 20 + STUN_ATTR_HEADER_LEN + 8)

#define ANY_CODE (-1)

/** struct kind - an error to report; @has_mtu: its Error Data is the MTU, else 0 */
struct kind {
	unsigned int family;
	uint8_t type;
	int code;
	bool has_mtu;
};

/** RFC 8656 sections 11.5 and 18.13; the first match counts. */
static const struct kind kinds[] = {
	{ TURNPIKE_IPV4, 3, 4, true },          /* fragmentation needed */
	{ TURNPIKE_IPV4, 3, ANY_CODE, false },  /* destination unreachable */
	{ TURNPIKE_IPV4, 11, ANY_CODE, false }, /* time exceeded */
	{ TURNPIKE_IPV6, 1, ANY_CODE, false },  /* destination unreachable */
	{ TURNPIKE_IPV6, 2, ANY_CODE, true },   /* packet too big */
	{ TURNPIKE_IPV6, 3, ANY_CODE, false },  /* time exceeded */
};

static const struct kind *find_kind(unsigned int family, const struct turn_icmp *icmp)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *kind = &kinds[i];

		if (kind->family == family && kind->type == icmp->type &&
		    (kind->code == ANY_CODE || kind->code == icmp->code))
			return kind;
	}
	return NULL;
}

static void send_indication(struct turn_server *server, const struct turn_relay *relay,
			    const struct turnpike_addr *peer, const struct turn_icmp *icmp,
			    uint32_t error_data)
{
	uint8_t transaction[STUN_TRANSACTION_LEN], buf[INDICATION_MAX];
	struct turnpike_addr external = turn_self_to_external(server, peer);
	struct stun_writer writer;
	size_t len;

	server->ops.random(server->ctx, transaction, sizeof(transaction));
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_INDICATION, TURN_DATA, transaction);
	stun_write_xor_addr(&writer, STUN_ATTR_XOR_PEER_ADDRESS, &external);
	stun_write_icmp(&writer, icmp->type, icmp->code, error_data);
	if (stun_writer_end(&writer, &len))
		return;
	server->stats.icmp++;
	turn_notify_icmp(server, relay, peer, icmp);
	server->ops.send_client(server->ctx, &relay->alloc->tuple, buf, len);
}

void turn_server_icmp_input(struct turn_server *server, struct turn_relay *relay,
			    const struct turnpike_addr *peer, const struct turn_icmp *icmp,
			    uint64_t now)
{
	const struct kind *kind = find_kind(relay->addr.family, icmp);
	const struct turn_permission *permission;

	if (!kind || relay->timer.when <= now)
		return;
	permission = turn_permission_find(server, relay, peer);
	if (!permission || permission->expiry_ns <= now)
		return;
	send_indication(server, relay, peer, icmp, kind->has_mtu ? icmp->mtu : 0);
}

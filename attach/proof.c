/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "proof.h"

#include <time.h>

#include "clock.h"
#include "maps.h"

#define WATCH_NS     200000000ull
#define PROVOKE_NS   50000000ull /* a busy device needs no provoking */
#define PAUSE_NS     2000000
#define ENOUGH       8
#define RECEIVED_MIN 8 /* fewer that were not met say nothing: they may have come before */

/* A neighbour request to the gateway is answered by a frame, and harms nobody. */
static void provoke(struct nl_sock *sock, const struct link_facts *link)
{
	/* Documentation addresses (RFC 5737, RFC 3849): whatever way they go is the default route.
	 */
	static const struct turnpike_addr anywhere[] = {
		{ .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } },
		{ .family = TURNPIKE_IPV6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } },
	};
	struct route_facts route;
	size_t i;

	for (i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++)
		if (netlink_route(sock, NULL, &anywhere[i], &route) == 0 &&
		    route.ifindex == link->ifindex && route.gateway.family)
			netlink_verify_neighbour(sock, route.ifindex, &route.gateway);
}

void proof_watch(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
		 struct proof *ret)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const __u64 start = clock_ns();
	struct link_facts now = *link;
	bool provoked = false;
	__u64 frames;

	*maps->trial = (struct turnpike_trial){ 0 };
	netlink_link(sock, (int)link->ifindex, "", &now);
	ret->received = now.received;
	do {
		nanosleep(&pause, NULL);
		frames = __atomic_load_n(&maps->trial->frames, __ATOMIC_RELAXED);
		if (!frames && !provoked && clock_ns() - start >= PROVOKE_NS) {
			provoke(sock, link);
			provoked = true;
		}
	} while (frames < ENOUGH && clock_ns() - start < WATCH_NS);
	ret->trial = *maps->trial;
	netlink_link(sock, (int)link->ifindex, "", &now);
	ret->received = now.received - ret->received;
}

enum health proof_judge(const struct proof *proof, enum turnpike_moves moves,
			enum turnpike_mode wish)
{
	const struct turnpike_trial *trial = &proof->trial;
	const __u64 room = moves == TURNPIKE_MOVES_TAIL ? trial->tail : trial->head;

	if (!trial->frames && proof->received >= RECEIVED_MIN)
		return HEALTH_NOT_RUNNING;
	if (trial->frames && !room && wish == TURNPIKE_MODE_AUTO)
		return HEALTH_WRONG_END;
	return HEALTH_GOOD;
}

void proof_tell(const struct proof *proof, struct text *text)
{
	const struct turnpike_trial *trial = &proof->trial;

	if (trial->frames)
		text_append(text,
			    "proven: a program ran for %llu frames, of which %llu had room for %d "
			    "bytes in front and %llu behind; ",
			    (unsigned long long)trial->frames, (unsigned long long)trial->head,
			    TURNPIKE_ROOM_MAX, (unsigned long long)trial->tail);
	else
		text_append(text, "unproven: whether a program runs, and how much room there is, "
				  "as no frames came; ");
	text_append(text,
		    "unproven: that moved frames leave moved, which only their receiver sees");
}

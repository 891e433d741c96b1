/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/proof.h"

#include <time.h>

#include "base/monotonic.h"
#include "devices/gateway.h"
#include "base/map_set.h"

#define WATCH_NS     200000000ull
#define PROVOKE_NS   50000000ull /* a busy device needs no provoking */
#define PAUSE_NS     2000000
#define ENOUGH       8
#define RECEIVED_MIN 8 /* fewer that were not met say nothing: they may have come before */

/* A neighbour request to the gateway is answered by a frame, and harms nobody. */
static void provoke(struct nl_sock *sock, const struct link_facts *link)
{
	struct gateways gateways;
	size_t i;

	gateways_find(sock, link->ifindex, &gateways);
	for (i = 0; i < gateways.n; i++)
		netlink_verify_neighbour(sock, link->ifindex, &gateways.all[i].addr);
}

void proof_watch(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
		 bool passes_moved, struct proof *ret)
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
	ret->head = ret->tail = (struct moved){ MOVED_UNPROVEN, "as no frames came" };
	if (!passes_moved)
		ret->head.why = ret->tail.why = "as the driver moves only those that are sent";
	else if (ret->trial.frames)
		moved_try(maps, sock, link, &ret->head, &ret->tail);
}

enum health proof_judge(const struct proof *proof, enum turnpike_moves moves,
			enum turnpike_mode wish)
{
	const struct turnpike_trial *trial = &proof->trial;
	const __u64 room = moves == TURNPIKE_MOVES_TAIL ? trial->tail : trial->head;

	if (!trial->frames && proof->received >= RECEIVED_MIN)
		return HEALTH_NOT_RUNNING;
	if (wish == TURNPIKE_MODE_AUTO &&
	    (proof->head.state == MOVED_DISPROVEN || proof->tail.state == MOVED_DISPROVEN))
		return HEALTH_NOT_MOVED;
	if (trial->frames && !room && wish == TURNPIKE_MODE_AUTO)
		return HEALTH_WRONG_END;
	return HEALTH_GOOD;
}

static void tell_moved(const struct moved *moved, const char *end, struct text *text)
{
	switch (moved->state) {
	case MOVED_PROVEN:
		text_append(text, "proven: a frame grown %s arrives so; ", end);
		break;
	case MOVED_DISPROVEN:
		text_append(text, "disproven: a frame grown %s does not arrive so; ", end);
		break;
	case MOVED_UNPROVEN:
		text_append(text, "unproven: that a frame grown %s arrives so, %s; ", end,
			    moved->why);
		break;
	}
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
	tell_moved(&proof->head, "in front", text);
	tell_moved(&proof->tail, "behind", text);
	text_append(text, "unproven: that sent frames leave moved, which only their receiver sees");
}

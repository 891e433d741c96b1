/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/proof.h"

#include <time.h>

#include "base/monotonic.h"
#include "devices/gateway.h"
#include "base/map_set.h"
#include "net/link.h"

#define WATCH_NS     200000000ull
#define PROVOKE_NS   50000000ull /* busy devices need no neighbour request */
#define PAUSE_NS     2000000
#define ENOUGH       8
#define RECEIVED_MIN 8 /* fewer are no evidence: they may have come in before */

/* The gateway answers a neighbour request with a frame; it is harmless otherwise. */
static void provoke(struct nl_sock *sock, const struct link_facts *link)
{
	struct gateways gateways;
	size_t i;

	gateways_find(sock, link->ifindex, &gateways);
	for (i = 0; i < gateways.n; i++)
		netlink_verify_neighbour(sock, link->ifindex, &gateways.all[i].addr);
}

struct try_args {
	__u32 ifindex;
	__u32 passes_moved;
};

static int watch(const struct maps *maps, struct nl_sock *sock, struct link_facts *link,
		 struct proof *ret)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const __u64 start = clock_ns(), received = link->received;
	bool provoked = false;
	__u64 frames;
	int err;

	*maps->trial = (struct turnpike_trial){ 0 };
	do {
		nanosleep(&pause, NULL);
		frames = __atomic_load_n(&maps->trial->frames, __ATOMIC_RELAXED);
		if (!frames && !provoked && clock_ns() - start >= PROVOKE_NS) {
			provoke(sock, link);
			provoked = true;
		}
	} while (frames < ENOUGH && clock_ns() - start < WATCH_NS);
	ret->tried = true;
	ret->trial = *maps->trial;
	err = netlink_link(sock, (int)link->ifindex, "", link);
	ret->received = err ? 0 : link->received - received;
	return err;
}

/* Frames are counted by the program, and compared: nothing here parses them. */
static int run_try(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct try_args *device = args;
	struct proof *proof = result;
	struct link_facts link;
	int err = netlink_link(privileged->sock, (int)device->ifindex, "", &link);

	(void)fd;
	if (!err)
		err = watch(privileged->maps, privileged->sock, &link, proof);
	if (err)
		return err;
	proof->head = proof->tail = (struct moved){ MOVED_UNPROVEN, MOVED_NO_FRAMES };
	if (!device->passes_moved)
		proof->head.why = proof->tail.why = MOVED_ONLY_SENT;
	else if (proof->trial.frames)
		moved_try(privileged->maps, privileged->sock, &link, &proof->head, &proof->tail);
	return 0;
}

OPERATION(proof_operation_try, OPERATION_TRY, run_try, struct try_args, struct proof);

int proof_watch(struct privileged *privileged, __u32 ifindex, bool passes_moved, struct proof *ret)
{
	const struct try_args device = { ifindex, passes_moved };

	return privileged_call(privileged, &proof_operation_try, &device, ret, NULL);
}

enum health proof_judge(const struct proof *proof, enum turnpike_moves moves,
			enum turnpike_mode requested)
{
	const struct turnpike_trial *trial = &proof->trial;
	const __u64 room = moves == TURNPIKE_MOVES_TAIL ? trial->tail : trial->head;

	if (!trial->frames && proof->received >= RECEIVED_MIN)
		return HEALTH_NOT_RUNNING;
	if (requested == TURNPIKE_MODE_AUTO &&
	    (proof->head.state == MOVED_DISPROVEN || proof->tail.state == MOVED_DISPROVEN))
		return HEALTH_NOT_MOVED;
	if (trial->frames && !room && requested == TURNPIKE_MODE_AUTO)
		return HEALTH_WRONG_END;
	return HEALTH_GOOD;
}

static void describe_moved(const struct moved *moved, const char *end, struct text *text)
{
	switch (moved->state) {
	case MOVED_PROVEN:
		text_append(text, "proven: a frame grown %s arrives intact; ", end);
		break;
	case MOVED_DISPROVEN:
		text_append(text, "disproven: a frame grown %s does not arrive intact; ", end);
		break;
	case MOVED_UNPROVEN:
		text_append(text, "unproven: whether a frame grown %s arrives intact, %s; ", end,
			    moved_reason(moved->why));
		break;
	}
}

/* Packets that need no room are relayed, too; those that miss it are counted. */
static void describe_traffic(const struct health_sample *traffic, struct text *text)
{
	text_append(text, "proven: the program has seen %llu packets",
		    (unsigned long long)traffic->met);
	if (traffic->relayed)
		text_append(text, ", and relayed %llu, %llu without room at the preferred end",
			    (unsigned long long)traffic->relayed,
			    (unsigned long long)traffic->wrong_end);
}

void proof_describe(const struct proof *proof, const struct health_sample *traffic,
		    struct text *text)
{
	const struct turnpike_trial *trial = &proof->trial;

	if (trial->frames)
		text_append(text,
			    "proven: a program ran for %llu frames, %llu with %d bytes of headroom "
			    "and %llu of tailroom",
			    (unsigned long long)trial->frames, (unsigned long long)trial->head,
			    TURNPIKE_ROOM_MAX, (unsigned long long)trial->tail);
	else if (traffic->met)
		describe_traffic(traffic, text);
	else
		text_append(text, "unproven: whether programs run, and how much room frames have, "
				  "as no frames came in");
	if (!proof->tried)
		return;
	text_append(text, "; ");
	describe_moved(&proof->head, "in front", text);
	describe_moved(&proof->tail, "behind", text);
	text_append(text, "unproven: whether frames are sent as moved, which only receivers see");
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/moved.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "devices/gateway.h"
#include "base/map_set.h"
#include "private/array_len.h"

#define RESOLVE_NS 50000000ull
#define ANSWER_NS  60000000ull /* for each end */
#define PAUSE_NS   2000000

const char *moved_reason(enum moved_why why)
{
	static const char *const reasons[MOVED_WHY_MAX] = {
		[MOVED_NO_FRAMES] = "as none came in during the trial",
		[MOVED_ONLY_SENT] = "as this driver moves only frames that it sends",
		[MOVED_NO_GATEWAY] = "as there is no gateway",
		[MOVED_SILENT_GATEWAY] = "as the gateway does not respond",
		[MOVED_LATE_GATEWAY] = "as the gateway did not answer in time",
		[MOVED_NO_ROOM] = "as there is no room",
		[MOVED_NOT_ARRIVED] = "as it did not arrive",
		[MOVED_NO_CAPABILITY] = "as CAP_NET_RAW is missing",
		[MOVED_NO_SOCKET] = "as there is no packet socket",
	};

	return why < MOVED_WHY_MAX ? reasons[why] : "for an unknown reason";
}

static void pause_for_a_moment(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	nanosleep(&pause, NULL);
}

/*
 * The trial takes the answer away from the kernel. With a gateway whose MAC address is known, that
 * is harmless: the kernel keeps using the address, and asks again a second later.
 */
static void keep_known(struct nl_sock *sock, struct gateways *gateways)
{
	const __u64 start = clock_ns();
	const struct gateways all = *gateways;
	size_t i;

	for (i = 0; i < all.n; i++)
		netlink_use_neighbour(sock, all.all[i].ifindex, &all.all[i].addr);
	gateways_keep_valid(sock, gateways);
	while (gateways->n < all.n && clock_ns() - start < RESOLVE_NS) {
		pause_for_a_moment();
		*gateways = all;
		gateways_keep_valid(sock, gateways);
	}
}

/*
 * Receives grown frames, and also neighbour answers, as a driver may pass the frame as received.
 * Bind to a protocol only after the filter is attached, or the socket receives everything in
 * between.
 */
static int listen_to(__u32 ifindex)
{
	static const struct sock_filter wanted[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct ethhdr, h_proto)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TURNPIKE_TRIAL_PROTO, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ETH_HLEN + 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMPV6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = { .len = ARRAY_LEN(wanted),
					   .filter = (struct sock_filter *)(uintptr_t)wanted };
	const struct sockaddr_ll device = { .sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ALL),
					    .sll_ifindex = (int)ifindex };
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
	    bind(fd, (const struct sockaddr *)&device, sizeof(device))) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* The frame that must arrive, byte by byte. */
static size_t expect(const struct turnpike_taken *taken, enum turnpike_trial_end end,
		     __u8 expected[sizeof(taken->frame) + TURNPIKE_ROOM_MAX])
{
	const __be16 proto = htons(TURNPIKE_TRIAL_PROTO);
	const size_t len = taken->len + TURNPIKE_ROOM_MAX;

	memset(expected, TURNPIKE_TRIAL_FILL, len);
	memcpy(expected + (end == TURNPIKE_TRIAL_HEAD ? TURNPIKE_ROOM_MAX : 0), taken->frame,
	       taken->len);
	memcpy(expected, taken->frame, 2 * ETH_ALEN);
	memcpy(expected + offsetof(struct ethhdr, h_proto), &proto, sizeof(proto));
	return len;
}

enum moved_state moved_judge(const struct turnpike_taken *taken, enum turnpike_trial_end end,
			     const __u8 *frame, size_t len)
{
	const __be16 proto = htons(TURNPIKE_TRIAL_PROTO);
	__u8 expected[sizeof(taken->frame) + TURNPIKE_ROOM_MAX];
	const size_t wanted = expect(taken, end, expected);

	if (len == wanted && memcmp(frame, expected, len) == 0)
		return MOVED_PROVEN;
	/* Ours, between these hosts: it was cut, or its bytes are misplaced. */
	if (len >= ETH_HLEN && memcmp(frame, expected, 2 * ETH_ALEN) == 0 &&
	    memcmp(frame + offsetof(struct ethhdr, h_proto), &proto, sizeof(proto)) == 0)
		return MOVED_DISPROVEN;
	/* As received, perhaps with the bytes behind it. */
	if (len >= taken->len && memcmp(frame, taken->frame, taken->len) == 0)
		return MOVED_DISPROVEN;
	return MOVED_UNPROVEN;
}

/* Read until it is proven. A second answer is passed as received, and disproves nothing by then. */
static void look(int fd, const struct turnpike_taken *taken, enum turnpike_trial_end end,
		 struct moved *ret)
{
	__u8 frame[2048];
	enum moved_state state;
	ssize_t len;

	while (ret->state != MOVED_PROVEN && (len = recv(fd, frame, sizeof(frame), 0)) >= 0) {
		state = moved_judge(taken, end, frame, (size_t)len);
		if (state != MOVED_UNPROVEN)
			ret->state = state;
	}
}

static void drain(int fd)
{
	__u8 byte;

	while (recv(fd, &byte, sizeof(byte), 0) >= 0)
		continue;
}

static void try_end(const struct maps *maps, struct nl_sock *sock,
		    const struct neighbour_facts *gateway, int fd, enum turnpike_trial_end end,
		    struct moved *ret)
{
	const __u64 start = clock_ns();
	struct turnpike_taken taken;
	bool is_taken = false;

	*ret = (struct moved){ MOVED_UNPROVEN, MOVED_LATE_GATEWAY };
	memcpy(maps->trial->macs + ETH_ALEN, gateway->mac, ETH_ALEN);
	taken_forget(maps, end);
	drain(fd);
	__atomic_store_n(&maps->trial->take, end, __ATOMIC_SEQ_CST);
	netlink_verify_neighbour(sock, gateway->ifindex, &gateway->addr);
	do {
		pause_for_a_moment();
		/* Frames that arrived before are queued in the socket, and are judged, too. */
		is_taken = is_taken || taken_read(maps, end, &taken) == 0;
		if (is_taken)
			look(fd, &taken, end, ret);
	} while (ret->state != MOVED_PROVEN && clock_ns() - start < ANSWER_NS);
	__atomic_store_n(&maps->trial->take, TURNPIKE_TRIAL_NONE, __ATOMIC_SEQ_CST);
	if (is_taken)
		ret->why = MOVED_NOT_ARRIVED;
}

static void try_both(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
		     const struct gateways *gateways, int fd, struct moved *head,
		     struct moved *tail)
{
	/* With a gateway of each family, neither has to answer twice. */
	memcpy(maps->trial->macs, link->mac, ETH_ALEN);
	if (maps->trial->head)
		try_end(maps, sock, &gateways->all[0], fd, TURNPIKE_TRIAL_HEAD, head);
	else
		head->why = MOVED_NO_ROOM;
	if (maps->trial->tail)
		try_end(maps, sock, &gateways->all[gateways->n - 1], fd, TURNPIKE_TRIAL_TAIL, tail);
	else
		tail->why = MOVED_NO_ROOM;
}

void moved_try(const struct maps *maps, struct nl_sock *sock, const struct link_facts *link,
	       struct moved *head, struct moved *tail)
{
	struct gateways gateways;
	int fd;

	gateways_find(sock, link->ifindex, &gateways);
	*head = *tail = (struct moved){ MOVED_UNPROVEN,
					gateways.n ? MOVED_SILENT_GATEWAY : MOVED_NO_GATEWAY };
	keep_known(sock, &gateways);
	if (!gateways.n)
		return;
	fd = listen_to(link->ifindex);
	if (fd < 0) {
		head->why = tail->why = fd == -EPERM ? MOVED_NO_CAPABILITY : MOVED_NO_SOCKET;
		return;
	}
	try_both(maps, sock, link, &gateways, fd, head, tail);
	close(fd);
}

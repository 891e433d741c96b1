/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turnpike.h
 * libturnpike: relays the channel bindings of a TURN server in the kernel.
 *
 * A TURN server opens a handle, attaches it to its network devices, and from then on tells it of
 * every channel binding (RFC 8656 section 12). ChannelData and its peers' datagrams are then
 * relayed where they come in; all else, and whatever the kernel cannot do exactly right, arrives at
 * the server's sockets as ever. Closing the handle, or the end of the process in any way, takes all
 * of it away again.
 *
 * Conventions
 * - Functions return 0, or a negative errno; turnpike_error() then has a sentence for people.
 * - Results come last, are named `ret`, and are untouched if the call fails.
 * - Structs named ..._opts begin with their size, so that programs and library may be of different
 *   versions: declare them with TURNPIKE_OPTS(). A NULL pointer stands for all defaults.
 * - Ports and addresses are in network byte order, all other numbers in host order. Times are
 *   nanoseconds of CLOCK_MONOTONIC.
 * - A handle is for one thread at a time; different handles do not know each other. Callbacks must
 *   not call back into their handle.
 * - Nothing is printed and no thread is started. Attaching TC on a kernel before 6.6 starts a small
 *   child process, which takes the filter away should this process die: see docs/architecture.md.
 */
#ifndef TURNPIKE_TURNPIKE_H
#define TURNPIKE_TURNPIKE_H

#include <net/if.h>
#include <stddef.h>

#include <turnpike/abi.h>
#include <turnpike/addr.h>
#include <turnpike/verdicts.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TURNPIKE_API __attribute__((visibility("default")))

/** Declares @NAME of struct @TYPE, all zero but for its size and the fields given. */
#define TURNPIKE_OPTS(TYPE, NAME, ...) struct TYPE NAME = { .sz = sizeof(struct TYPE), __VA_ARGS__ }

/** An opened relay: maps, attached devices, flows, next hops. */
struct turnpike;

/** Where packets are relayed. The order has no meaning. */
enum turnpike_mode {
	TURNPIKE_MODE_AUTO, /* the best that the device takes */
	TURNPIKE_MODE_XDP_NATIVE,
	TURNPIKE_MODE_XDP_GENERIC,
	TURNPIKE_MODE_TC,
	TURNPIKE_MODE_USERSPACE,
	TURNPIKE_MODE_MAX,
};

/** Which end of a frame moves when its headers grow or shrink; the other end is the second choice.
 */
enum turnpike_moves {
	TURNPIKE_MOVES_AUTO,
	TURNPIKE_MOVES_HEAD,
	TURNPIKE_MOVES_TAIL,
	TURNPIKE_MOVES_MAX,
};

/** How a program hangs on a device. */
enum turnpike_hook {
	TURNPIKE_HOOK_AUTO,
	TURNPIKE_HOOK_NONE,   /* mode userspace */
	TURNPIKE_HOOK_XDP,    /* a link of BPF_XDP (Linux 5.9) */
	TURNPIKE_HOOK_TCX,    /* a link of BPF_TCX_INGRESS (Linux 6.6) */
	TURNPIKE_HOOK_CLSACT, /* a cls_bpf filter on a clsact qdisc */
	TURNPIKE_HOOK_MAX,
};

/**
 * turnpike_mode_name(), turnpike_moves_name(), turnpike_hook_name(), turnpike_direction_name(),
 * turnpike_verdict_name(), turnpike_verdict_text() - the names that the command line and JSON use
 *
 * Each returns a constant string, never NULL: "?" for a value out of range. Any thread.
 */
TURNPIKE_API const char *turnpike_mode_name(enum turnpike_mode mode);
TURNPIKE_API const char *turnpike_moves_name(enum turnpike_moves moves);
TURNPIKE_API const char *turnpike_hook_name(enum turnpike_hook hook);
TURNPIKE_API const char *turnpike_direction_name(enum turnpike_direction direction);
TURNPIKE_API const char *turnpike_verdict_name(enum turnpike_verdict verdict);
TURNPIKE_API const char *turnpike_verdict_text(enum turnpike_verdict verdict);

/**
 * turnpike_mode_parse(), turnpike_moves_parse(), turnpike_hook_parse() - the way back from a name
 * @name: a string
 * @ret:  the value
 *
 * Returns 0, or -EINVAL for a name that there is not. Any thread.
 */
TURNPIKE_API int turnpike_mode_parse(const char *name, enum turnpike_mode *ret);
TURNPIKE_API int turnpike_moves_parse(const char *name, enum turnpike_moves *ret);
TURNPIKE_API int turnpike_hook_parse(const char *name, enum turnpike_hook *ret);

/**
 * struct turnpike_open_opts - sizes, fixed for the life of a handle
 * @sz:           size of this struct
 * @max_flows:    flows of each family; a channel binding takes two. 0: 65536. Memory is taken at
 * once, about 170 bytes a flow of IPv4 and 200 of IPv6
 * @max_nexthops: different pairs of local and remote address. 0: 16384, 64 bytes each
 * @max_policers: limits at the same time, see turnpike_policer_new(). 0: 16384, 32 bytes each
 * @demote_packets: so many packets in a second that find no room, that the program does not meet,
 * or that the driver loses after they were relayed, end an automatic choice; 0: 20
 * @demote_percent: and they must be more than so many in a hundred of those to be relayed; 0: 1.
 * For what a driver loses after XDP_TX it is half, whatever is given: busy devices have full queues
 * @backoff_first_ms: how long a way that has failed is left alone, and after which time better ways
 * that something speaks against are looked at again; twice as long each time. 0: 10 s
 * @backoff_longest_ms: but never longer. 0: 10 min
 * @max_waiting: bindings that may wait for room, see turnpike_bind(), about 300 bytes each. 0: none
 */
struct turnpike_open_opts {
	size_t sz;
	__u32 max_flows;
	__u32 max_nexthops;
	__u32 max_policers;
	__u32 demote_packets;
	__u32 demote_percent;
	__u32 backoff_first_ms;
	__u32 backoff_longest_ms;
	__u32 max_waiting;
};

/**
 * turnpike_open() - make the maps and follow the kernel's routes and neighbours; nothing is
 * attached
 * @opts: may be NULL
 * @ret:  the handle, to be given to turnpike_close()
 *
 * Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root. The handle works in the network namespace
 * that the calling thread is in.
 *
 * Returns 0; -EPERM without the capabilities; -EINVAL for opts of an unknown shape; -EPROTO if the
 * programs' ABI is not the library's; -ENOMEM; other errors of bpf(2) and netlink(7).
 */
TURNPIKE_API int turnpike_open(const struct turnpike_open_opts *opts, struct turnpike **ret);

/** turnpike_close() - detach everything, forget all flows, free the handle; NULL is fine. */
TURNPIKE_API void turnpike_close(struct turnpike *tp);

/**
 * turnpike_error() - what went wrong in the handle's last failed call, and what to do about it
 * @tp: a handle, or NULL for the last turnpike_open() or turnpike_verify() that failed in this
 * thread
 *
 * Returns one sentence, valid until the next call. Never NULL.
 */
TURNPIKE_API const char *turnpike_error(const struct turnpike *tp);

/**
 * struct turnpike_attach_opts - how to attach a device
 * @sz:    size of this struct
 * @mode:  AUTO takes the best way of the device's plan (probe.h) that the kernel takes, and ends
 * with userspace, which always works; any other mode is that mode or an error
 * @moves: AUTO is what the plan prefers, HEAD unless there is no room for it. TAIL is for XDP only
 * @hook:  for mode TC: AUTO is TCX where the kernel has it, CLSACT elsewhere. Other modes: AUTO
 */
struct turnpike_attach_opts {
	size_t sz;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
};

/**
 * turnpike_attach() - relay packets that come in by a device
 * @tp:     a handle
 * @ifname: name of an Ethernet device in the handle's network namespace, not yet attached
 * @opts:   may be NULL
 *
 * After attaching, the kernel is asked what is attached, and a difference is an error. A hook that
 * somebody else's program holds is left to its owner.
 *
 * Returns 0; -EINVAL for opts that contradict each other; -ENODEV: no such device; -EALREADY:
 * attached to this handle; -EBUSY: another program is attached; -EOPNOTSUPP: the device or the
 * kernel cannot do it; -ENOSPC: more than TURNPIKE_SLOTS devices and modes; -EPERM; other errors of
 * bpf(2).
 */
TURNPIKE_API int turnpike_attach(struct turnpike *tp, const char *ifname,
				 const struct turnpike_attach_opts *opts);

/**
 * turnpike_switch() - change how an attached device is relayed, while it relays
 * @opts: as for turnpike_attach(); NULL or mode AUTO chooses anew
 *
 * All flows and counters stay. Where the old and the new program hang on the same hook, the kernel
 * exchanges them in place; between hooks the new one is attached before the old one is detached.
 * Between native and generic XDP, which exclude each other, packets go up to user space for a
 * moment.
 *
 * Returns 0 or an error of turnpike_attach(), and then the device is relayed as before; -ENODEV:
 * not attached.
 */
TURNPIKE_API int turnpike_switch(struct turnpike *tp, const char *ifname,
				 const struct turnpike_attach_opts *opts);

/**
 * turnpike_detach() - stop relaying packets that come in by a device; its counters stay
 * Returns 0, or -ENODEV if it is not attached.
 */
TURNPIKE_API int turnpike_detach(struct turnpike *tp, const char *ifname);

/**
 * struct turnpike_status - how one device is attached
 * @dev:     its name
 * @ifindex: its index
 * @mode:    never AUTO
 * @moves:   AUTO with mode userspace, where nothing moves
 * @hook:    never AUTO
 * @prog_id: the kernel's id of the program, as the kernel answered; 0 with mode userspace
 * @why:     one sentence: why this mode
 * @proof:   of XDP: what a trial before attaching has shown, and what not, and whether frames are
 *           watched after they were relayed; may be empty
 * @changes: how often the mode has changed by itself, see turnpike_on_change()
 */
struct turnpike_status {
	char dev[IFNAMSIZ];
	__u32 ifindex;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
	__u32 prog_id;
	char why[512];
	char proof[640];
	__u32 changes;
};

/** struct turnpike_change - a device whose way to relay has changed by itself; @to.why tells why */
struct turnpike_change {
	struct turnpike_status from;
	struct turnpike_status to;
};

/**
 * turnpike_on_change() - be told when a device's way to relay changes by itself
 * @fn: called from turnpike_poll(); NULL: nobody is told
 *
 * turnpike_poll() looks after the devices. A device is gone, is back, got another MTU, or its hook
 * was freed: the way is chosen anew, as it was wished for. An automatic choice is also given up
 * when its program does not run although packets come in, when packets find no room, or when the
 * driver loses what was relayed; the next best way takes over, with every flow, and the other is
 * left alone for a while that doubles each time. A mode that was asked for is kept; then @fn is
 * told once, with @from and @to alike, why it does not do well.
 */
TURNPIKE_API void turnpike_on_change(struct turnpike *tp,
				     void (*fn)(const struct turnpike_change *change, void *arg),
				     void *arg);

/**
 * turnpike_for_each_device() - list the attached devices
 * @fn: gets each status, valid during the call; what it returns other than 0 ends the listing
 *
 * Returns 0, or what @fn returned.
 */
TURNPIKE_API int
turnpike_for_each_device(const struct turnpike *tp,
			 int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

/**
 * struct turnpike_binding - one channel binding of a TURN server
 * @client:  the client's transport address as the server sees it
 * @server:  the server's address that the client sends to
 * @relay:   the relayed transport address, as peers' packets bear it when they reach this host
 * @peer:    the peer's transport address
 * @channel: number of the channel, host order
 * @pad:     zero
 * @channel_expires:    from then on packets of the client are passed up
 * @permission_expires: from then on packets of the peer are passed up
 * @to_peer_policer, @to_client_policer: limit each direction, see turnpike_policer_new(); 0: none
 *
 * @client and @server are of one family, @relay and @peer of one; both may be the same. @client,
 * @server and @channel identify a binding.
 *
 * Where two bindings are each other's peers, the one's @peer the other's @relay and the other way
 * round, packets go from client to client in one pass, from channel to channel; they need the live
 * channel of the one and the live permission of the other, and are charged to both.
 */
struct turnpike_binding {
	struct turnpike_addr client;
	struct turnpike_addr server;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	__u16 channel;
	__u16 pad[3];
	__u64 channel_expires;
	__u64 permission_expires;
	__u32 to_peer_policer;
	__u32 to_client_policer;
};

/**
 * turnpike_bind() - relay a channel binding, or change the times of one that is relayed
 *
 * When this returns 0, the very next packet is relayed in the kernel, provided that the next hop is
 * known; if not, packets are passed up until it is. The counters of a known binding go on.
 *
 * A binding that finds no room, or that the kernel refuses for the moment, waits, unless
 * turnpike_open_opts.max_waiting others do. It is not relayed yet. turnpike_poll() tries it again
 * when room appears, the longest waiting first, and at intervals of 1 to 30 s. Bind it again to
 * change its times, and unbind it like any other. It is forgotten when both its times are over.
 *
 * Returns 0; -EAGAIN: the binding waits; -EINVAL for addresses or a channel that cannot be; -EEXIST
 * if another binding has the same relay and peer, or the same client and channel; -EADDRINUSE if a
 * port would have to be both a listener's and a relay's; -ENOSPC if the maps are full; other errors
 * of bpf(2). After an error, a new binding is not relayed in either direction; a known one is not
 * relayed any more. After an error other than -EAGAIN, the binding need not be unbound.
 */
TURNPIKE_API int turnpike_bind(struct turnpike *tp, const struct turnpike_binding *binding);

/**
 * turnpike_unbind() - stop relaying a binding, or waiting for it; its times are ignored
 *
 * Packets that are in the programs at this moment may still be sent.
 *
 * Returns 0, or -ENOENT if there is no such binding.
 */
TURNPIKE_API int turnpike_unbind(struct turnpike *tp, const struct turnpike_binding *binding);

/** enum turnpike_wait - what a binding waits for, see turnpike_bind() */
enum turnpike_wait {
	TURNPIKE_WAIT_FLOWS,    /* room in the map of flows */
	TURNPIKE_WAIT_NEXTHOPS, /* room in the map of next hops */
	TURNPIKE_WAIT_SETTLING, /* freed next hops that packets may still use: a second at most */
	TURNPIKE_WAIT_ERROR,    /* an error of the kernel to pass, such as -ENOMEM */
	TURNPIKE_WAIT_MAX,
};

/** turnpike_waiting() - how many bindings wait for @what, as far as the last attempt showed */
TURNPIKE_API __u32 turnpike_waiting(const struct turnpike *tp, enum turnpike_wait what);

/**
 * struct turnpike_policer_opts - a limit on bytes of application data a second
 * @sz:     size of this struct
 * @rate:   bytes a second; 0: no limit of its own, for now
 * @burst:  bytes that may come at once; larger datagrams never pass. 0: a quarter of a second's,
 *          and at least 64 KiB
 * @parent: number of a limit that holds for this one and others together; 0: none. It may have one
 *          itself, but that none: an allocation's, its user's, and that of all
 * @pad:    zero
 */
struct turnpike_policer_opts {
	size_t sz;
	__u64 rate;
	__u64 burst;
	__u32 parent;
	__u32 pad;
};

/**
 * turnpike_policer_new() - a limit for one binding or more
 * @opts: NULL: no limit, for now
 * @ret:  its number, never 0, for struct turnpike_binding; to be given to turnpike_policer_free()
 *
 * Packets of all bindings and directions that bear the number are charged to it and to those above
 * it, by the kernel and by turnpike_police(). What is too much for any of them is dropped, counted
 * as TURNPIKE_POLICED, and charged to none.
 *
 * Returns 0; -EINVAL for a parent that there is not, or that already is the third; -ENOSPC if there
 * are as many as the handle was opened for.
 */
TURNPIKE_API int turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				      __u32 *ret);

/**
 * turnpike_policer_set() - another rate and burst, at once; the parent stays
 *
 * It begins anew with all that may come at once.
 *
 * Returns 0, or -EINVAL: there is no such limit.
 */
TURNPIKE_API int turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst);

/**
 * turnpike_policer_free() - the number may be given out again
 *
 * No binding must bear it any more, and no other limit must have it as its parent.
 */
TURNPIKE_API void turnpike_policer_free(struct turnpike *tp, __u32 policer);

/**
 * turnpike_police() - charge a packet that the server relays itself
 * @policer: 0 is never a limit
 * @bytes:   of application data
 *
 * Any thread, as long as nobody frees the number.
 *
 * Returns 0: relay it; -EDQUOT: drop it.
 */
TURNPIKE_API int turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes);

/**
 * turnpike_path_changed() - what is known of the way from @local to @remote is no longer true
 * @local, @remote: IP addresses, one of them ours; the ports are ignored
 *
 * For a server whose sockets are told that a packet was too big (IP_RECVERR, IPV6_RECVERR:
 * EMSGSIZE): the kernel then knows another path MTU, of which netlink(7) says nothing. Packets that
 * do not fit are not relayed in the kernel from now on.
 */
TURNPIKE_API void turnpike_path_changed(struct turnpike *tp, const struct turnpike_addr *local,
					const struct turnpike_addr *remote);

/**
 * struct turnpike_flow_info - one direction of a binding, as it is in the kernel
 * @direction:   to the peer, to the client, or to the client of another binding: a hairpin
 * @src, @dst:   of the packets that come in
 * @new_src, @new_dst: of the packets that go out
 * @channel:     of the binding, host order
 * @resolved:    1 if the next hop is known
 * @expires:     CLOCK_MONOTONIC, ns
 * @packets, @bytes: relayed so far; bytes of application data
 */
struct turnpike_flow_info {
	enum turnpike_direction direction;
	struct turnpike_addr src;
	struct turnpike_addr dst;
	struct turnpike_addr new_src;
	struct turnpike_addr new_dst;
	__u16 channel;
	__u16 resolved;
	__u64 expires;
	__u64 packets;
	__u64 bytes;
};

/** turnpike_for_each_flow() - list the flows, both directions of each binding; see
 * _for_each_device. */
TURNPIKE_API int turnpike_for_each_flow(const struct turnpike *tp,
					int (*fn)(const struct turnpike_flow_info *flow, void *arg),
					void *arg);

/**
 * struct turnpike_count - packets that met the same fate
 * @dev, @mode: where
 * @direction:  as far as it was known
 * @verdict:    what
 * @packets, @bytes: how much; bytes of application data if relayed, of frames otherwise
 */
struct turnpike_count {
	const char *dev;
	enum turnpike_mode mode;
	enum turnpike_direction direction;
	enum turnpike_verdict verdict;
	__u64 packets;
	__u64 bytes;
};

/** turnpike_for_each_count() - list the counters that are not zero; see turnpike_for_each_device().
 */
TURNPIKE_API int turnpike_for_each_count(const struct turnpike *tp,
					 int (*fn)(const struct turnpike_count *count, void *arg),
					 void *arg);

/** turnpike_flows() - how many flows are installed: two a binding. */
TURNPIKE_API __u32 turnpike_flows(const struct turnpike *tp);

/**
 * turnpike_fd() - a descriptor that is readable when turnpike_poll() has something to do
 * Owned by the handle.
 */
TURNPIKE_API int turnpike_fd(const struct turnpike *tp);

/**
 * turnpike_poll() - take in changes of routes, neighbours and links; does not block
 *
 * Call it when turnpike_fd() is readable, and once a second: it also keeps the neighbours fresh
 * that only the kernel's fast path talks to, looks after the devices (turnpike_on_change()), and
 * tells senders of packets that were dropped because their TTL was used up, or that were too big
 * and not to be fragmented: by ICMP, as a router does (RFC 8656 section 13), if there is
 * CAP_NET_RAW, and at most 100 a second. It binds what waits (turnpike_bind()), for a few
 * milliseconds a call.
 *
 * Returns 0 or a negative errno of netlink(7); all next hops are then looked up anew.
 */
TURNPIKE_API int turnpike_poll(struct turnpike *tp);

/**
 * struct turnpike_variant - one program as the kernel verified it
 * @program: name of the program
 * @mode, @moves: what it is for
 * @insns:   instructions after translation
 * @verified_insns: instructions that the verifier went through; 0 if the kernel does not say
 * (< 5.16)
 * @stack_bytes: of all its functions together, as the verifier measured them; 0 if it did not say
 * @jited_bytes: size of the machine code, 0 without JIT
 * @error:   0, or the negative errno that loading failed with
 */
struct turnpike_variant {
	const char *program;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	__u32 insns;
	__u32 verified_insns;
	__u32 stack_bytes;
	__u32 jited_bytes;
	int error;
};

/**
 * turnpike_verify() - load every variant in every configuration, attach none
 * @fn: gets each result; see turnpike_for_each_device()
 *
 * Returns 0 if all could be loaded, the errno of the first that could not, or what @fn returned.
 */
TURNPIKE_API int turnpike_verify(int (*fn)(const struct turnpike_variant *variant, void *arg),
				 void *arg);

#ifdef __cplusplus
}
#endif

#endif /* TURNPIKE_TURNPIKE_H */

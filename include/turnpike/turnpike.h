/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turnpike.h
 * libturnpike: relays the channel bindings of a TURN server in the kernel.
 *
 * A TURN server opens a handle, attaches it to network devices, and adds each channel binding
 * (RFC 8656 section 12). BPF programs then relay ChannelData and the peers' datagrams where they
 * come in: the fast path. All other packets, and those that the kernel cannot relay exactly as the
 * server would, reach the server's sockets unmodified: the slow path. Everything is removed when
 * the handle is closed or the process ends, even by SIGKILL.
 *
 * Conventions
 * - Functions return 0 or a negative errno; turnpike_error() then has a sentence for people.
 * - Results come last and are named `ret`. They are untouched if the call fails.
 * - Addresses and ports are in network byte order, all other numbers in host byte order. Times are
 *   nanoseconds of CLOCK_MONOTONIC.
 * - A handle may be used by one thread at a time. Handles are independent of each other. Callbacks
 *   must not call functions of their handle.
 * - The library prints nothing and starts no threads. To attach TC before Linux 6.6, or by libxdp's
 *   dispatcher, it starts a child process, which detaches the program if this process dies: see
 *   docs/architecture.md. So it does for struct turnpike_helper_info, if asked to.
 *
 * Compatibility
 * - Structs that a program fills in begin with their size, @sz. Declare them with TURNPIKE_OPTS(),
 *   which zeroes all other members. A shorter struct than the library's is accepted, members that
 *   it lacks are 0. So is a longer one whose additional bytes are 0. Members that the library does
 *   not know are refused with -E2BIG, and a size that cannot be one with -EINVAL.
 * - Structs that the library fills in reach a program by pointer, and are valid during the
 * callback. They grow at their ends, so do not depend on their sizes. A copy holds the members that
 * the program was compiled with. Text arrays keep their sizes.
 * - "Since" names the version of the library that introduced a function.
 */
#ifndef TURNPIKE_TURNPIKE_H
#define TURNPIKE_TURNPIKE_H

#include <stddef.h>

#include <turnpike/abi.h>
#include <turnpike/addr.h>
#include <turnpike/verdicts.h>
#include <turnpike/version.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TURNPIKE_API __attribute__((visibility("default")))

/** Declares @NAME of struct @TYPE: sets its size and the members given, zeroes all others. */
#define TURNPIKE_OPTS(TYPE, NAME, ...) struct TYPE NAME = { .sz = sizeof(struct TYPE), __VA_ARGS__ }

/** Size of a device's name with its NUL: IFNAMSIZ of <net/if.h>. */
#define TURNPIKE_IFNAMSIZ 16

/** A handle: maps, attached devices, flows, next hops. */
struct turnpike;

/**
 * turnpike_version() - version of the library, as a number
 *
 * Compare it with TURNPIKE_MAKE_VERSION(), or with TURNPIKE_VERSION_NUM: the version of the headers
 * that the program was compiled with. Any thread.
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_version(void);

/** Where packets are relayed. The order has no meaning. */
enum turnpike_mode {
	TURNPIKE_MODE_AUTO,        /* the best that works on the device */
	TURNPIKE_MODE_XDP_NATIVE,  /* in the driver, before an sk_buff is allocated */
	TURNPIKE_MODE_XDP_GENERIC, /* in the stack, with any driver */
	TURNPIKE_MODE_TC,          /* at TC ingress, with any driver */
	TURNPIKE_MODE_USERSPACE,   /* by the server */
	TURNPIKE_MODE_MAX,
};

/** Which end of a frame moves when headers grow or shrink. The other end is the second choice. */
enum turnpike_moves {
	TURNPIKE_MOVES_AUTO,
	TURNPIKE_MOVES_HEAD,
	TURNPIKE_MOVES_TAIL,
	TURNPIKE_MOVES_MAX,
};

/** How a program is attached to a device. */
enum turnpike_hook {
	TURNPIKE_HOOK_AUTO,
	TURNPIKE_HOOK_NONE,       /* not at all: mode userspace */
	TURNPIKE_HOOK_XDP,        /* by a BPF_XDP link (Linux 5.9) */
	TURNPIKE_HOOK_TCX,        /* by a BPF_TCX_INGRESS link (Linux 6.6) */
	TURNPIKE_HOOK_CLSACT,     /* as a cls_bpf filter of a clsact qdisc */
	TURNPIKE_HOOK_DISPATCHER, /* XDP by libxdp, beside other programs (Linux 5.10) */
	TURNPIKE_HOOK_MAX,
};

/** How application data follows the UDP header. */
enum turnpike_framing {
	TURNPIKE_FRAMING_NONE,       /* at once: to and from peers */
	TURNPIKE_FRAMING_CHANNEL,    /* ChannelData */
	TURNPIKE_FRAMING_INDICATION, /* Send and Data indications */
	TURNPIKE_FRAMING_MAX,
};

/**
 * turnpike_mode_name(), turnpike_moves_name(), turnpike_hook_name(), turnpike_direction_name(),
 * turnpike_framing_name(), turnpike_verdict_name(), turnpike_verdict_text() - names, as the command
 * line and JSON have them
 *
 * Any thread.
 *
 * Return: a constant string; "?" for a value out of range.
 *
 * Since: 0.1
 */
TURNPIKE_API const char *turnpike_mode_name(enum turnpike_mode mode);
TURNPIKE_API const char *turnpike_moves_name(enum turnpike_moves moves);
TURNPIKE_API const char *turnpike_hook_name(enum turnpike_hook hook);
TURNPIKE_API const char *turnpike_direction_name(enum turnpike_direction direction);
TURNPIKE_API const char *turnpike_framing_name(enum turnpike_framing framing);
TURNPIKE_API const char *turnpike_verdict_name(enum turnpike_verdict verdict);
TURNPIKE_API const char *turnpike_verdict_text(enum turnpike_verdict verdict);

/**
 * turnpike_mode_parse(), turnpike_moves_parse(), turnpike_hook_parse() - values of names
 * @name: a string
 * @ret:  the value
 *
 * Any thread. Leaves no sentence for turnpike_error().
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: not a name
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_mode_parse(const char *name, enum turnpike_mode *ret);
TURNPIKE_API int turnpike_moves_parse(const char *name, enum turnpike_moves *ret);
TURNPIKE_API int turnpike_hook_parse(const char *name, enum turnpike_hook *ret);

/**
 * struct turnpike_helper_info - the process that has the privileges in place of the program's
 * @pid:          its process id
 * @maps_need_bpf: 1: the program must keep CAP_BPF for the elements of maps, see below
 * @capabilities: those that it keeps, a bit for each, as in <linux/capability.h>
 * @lost:         why it has ended, a clause for people; NULL: it has not
 *
 * With a helper, a program needs no capabilities, can change its user, and forbid itself all of
 * bpf(2) but lookups, updates and deletions of elements. (Linux before 6.0 allows these only with
 * CAP_BPF where kernel.unprivileged_bpf_disabled is set: then keep this one.) There are two kinds:
 *
 * - A child (@helper of turnpike_open_opts). turnpike_open() forks it, so call it before there are
 *   threads. It has the memory of the program, but no files. Its callback should wipe secrets, and
 *   may change the user: the library then reduces the capabilities, and sets no_new_privs. With
 *   CAP_SYS_ADMIN among @capabilities it must remain root, whose files libxdp's dispatchers need.
 * - A process that was started by somebody else, so that the program has no privileges even at its
 *   start (@connection of turnpike_open_opts, and turnpike_helper_serve()).
 *
 * The helper ends with the program, however that ends, and everything is detached then, within
 * moments. If the helper itself is lost, everything is detached, too, and the flows remain: devices
 * are in mode USERSPACE until the program starts again.
 */
struct turnpike_helper_info {
	__u32 pid;
	__u32 maps_need_bpf;
	__u64 capabilities;
	const char *lost;
};

/**
 * struct turnpike_open_opts - options of turnpike_open(); 0 is the default of each
 * @sz:             size of this struct
 * @max_flows:      flows of each family; a channel binding takes two. Default: 65536. Memory is
 *                  allocated at once: about 220 bytes for an IPv4 flow, 250 for an IPv6 flow
 * @max_nexthops:   pairs of local and remote address. Default: 16384, 64 bytes each
 * @max_policers:   policers, see turnpike_policer_new(). Default: 16384, 32 bytes each. Of flows,
 *                  next hops and policers there are 2^24 each at most
 * @max_waiting:    bindings that may wait for room, see turnpike_bind(). Default: none; about 300
 *                  bytes each
 * @demote_packets: failures/s that demote an auto-selected mode: packets that find no room, do not
 *                  reach the program, or are lost by the driver. Default: 20
 * @demote_percent: and the share of packets to relay that they must exceed, in percent. Default: 1.
 *                  After XDP_TX it is always 50: busy devices lose packets to full queues
 * @backoff_first_ms:   initial back-off, doubled each time. A failed mode is retried after it;
 *                      better modes that were rejected are re-evaluated. Default: 10000
 * @backoff_longest_ms: longest back-off. Default: 600000
 * @confirm_ms: time between two checks of a flow, at most TURNPIKE_CONFIRM_MAX_MS. Default: 10000.
 *              TURNPIKE_CONFIRM_OFF: flows are not confirmed
 * @run_as:     user to whom the process will switch, for its lock files in /run/turnpike. Default:
 *              the present one
 * @dispatcher: not 0: the helper keeps CAP_SYS_ADMIN, if the process has it, to attach by libxdp's
 *              dispatcher at any time. It does so in any case if there are dispatchers already
 * @connection: not 0: a SOCK_SEQPACKET Unix socket, above 0, on whose other end another process
 *              runs turnpike_helper_serve(). It is the handle's from then on, also after an error.
 *              @helper must be NULL; @run_as and @dispatcher do not matter
 * @helper:     not NULL: a child process has the privileges from now on. It is called in this
 *              child, see struct turnpike_helper_info. Returns 0, or a negative errno, which
 *              turnpike_open() returns
 * @helper_arg: passed to @helper
 *
 * The kernel relays a flow only after the stack has confirmed it: a packet took the slow path, and
 * the server's packet was seen at TC egress to leave as the flow says. From time to time, and after
 * changes of the host's routes, rules, filters and IPsec policies, a packet takes the slow path to
 * confirm the flow again. This is what makes the fast path respect all that a host does to packets.
 * Turn it off only on a host that does nothing but route.
 */
struct turnpike_open_opts {
	size_t sz;
	__u32 max_flows;
	__u32 max_nexthops;
	__u32 max_policers;
	__u32 max_waiting;
	__u32 demote_packets;
	__u32 demote_percent;
	__u32 backoff_first_ms;
	__u32 backoff_longest_ms;
	__u32 confirm_ms;
	__u32 run_as;
	__u32 dispatcher;
	int connection;
	int (*helper)(const struct turnpike_helper_info *helper, void *arg);
	void *helper_arg;
};

/** Values of @confirm_ms */
#define TURNPIKE_CONFIRM_OFF    0xffffffffu
#define TURNPIKE_CONFIRM_MAX_MS 3600000u

/**
 * turnpike_open() - create the maps, and begin to follow routes and neighbours
 * @opts: NULL: all defaults
 * @ret:  the handle, to be closed with turnpike_close()
 *
 * Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root, unless a helper has them. The handle works
 * in the network namespace of the calling thread. Nothing is attached yet.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: @opts has no valid size, or options contradict each other
 * - -E2BIG: @opts has members that the library does not know
 * - -EPERM: a capability is missing
 * - -EPROTO: programs, library and helper are of different versions
 * - -EIO: the helper did not answer
 * - -EXDEV: the helper is in another network namespace
 * - -ENOMEM: out of memory
 * - others of bpf(2) and netlink(7)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_open(const struct turnpike_open_opts *opts, struct turnpike **ret);

/**
 * turnpike_close() - detach all devices, remove all flows, free the handle
 * @tp: NULL: nothing to do
 *
 * Since: 0.1
 */
TURNPIKE_API void turnpike_close(struct turnpike *tp);

/**
 * turnpike_helper() - the helper of a handle
 *
 * Return: the helper, also a lost one; NULL: there is none. It is valid as long as the handle.
 *
 * Since: 0.1
 */
TURNPIKE_API const struct turnpike_helper_info *turnpike_helper(struct turnpike *tp);

/**
 * struct turnpike_helper_opts - options of turnpike_helper_serve(); 0 is the default of each
 * @sz:         size of this struct
 * @run_as:     user to whom @begin will switch, as in struct turnpike_open_opts
 * @dispatcher: as there
 * @begin:      NULL: nothing. Called before the library reduces the capabilities, as @helper of
 *              struct turnpike_open_opts
 * @arg:        passed to @begin
 */
struct turnpike_helper_opts {
	size_t sz;
	__u32 run_as;
	__u32 dispatcher;
	int (*begin)(const struct turnpike_helper_info *helper, void *arg);
	void *arg;
};

/**
 * turnpike_helper_serve() - be the helper of another process until it closes its handle, or ends
 * @connection: a connected SOCK_SEQPACKET Unix socket. The call closes it
 * @opts:       NULL: all defaults
 *
 * Call it in a process of its own, without threads, which ends afterwards: the library reduces the
 * capabilities of the process for good. The process needs those of turnpike_open(), the network
 * namespace of the other process, and files in /run/turnpike. Who connects may attach and detach
 * this library's programs anywhere in this namespace, so check who it is (SO_PEERCRED): all else
 * that it sends is checked as a stranger's. Everything is detached when the call returns.
 *
 * Return: 0 when the other process has ended the connection, or a negative errno:
 * - -EINVAL: @opts has no valid size
 * - -E2BIG: @opts has members that the library does not know
 * - -EXDEV: the other process is in another network namespace
 * - -EBADMSG: it sent something that this version of the library does not
 * - others of @begin and netlink(7)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_helper_serve(int connection, const struct turnpike_helper_opts *opts);

/**
 * turnpike_error() - what went wrong, and how to fix it
 * @tp: a handle; NULL: calls without a handle, of this thread
 *
 * Return: a sentence about the last call that failed, without a full stop; "" if none has. It is
 * valid until the next call of the handle or, without a handle, of the thread.
 *
 * Since: 0.1
 */
TURNPIKE_API const char *turnpike_error(const struct turnpike *tp);

/**
 * struct turnpike_attach_opts - options of turnpike_attach() and turnpike_switch()
 * @sz:    size of this struct
 * @mode:  AUTO: the best mode of the device's plan (probe.h) that works, USERSPACE at the latest.
 *         Any other: that mode, or an error
 * @moves: AUTO: as the plan says, HEAD where frames have headroom. TAIL needs XDP
 * @hook:  AUTO: TC by TCX where the kernel has it, otherwise CLSACT; XDP by DISPATCHER where one
 *         is attached already, otherwise directly. TCX or CLSACT: for mode TC. DISPATCHER: for
 *         AUTO and XDP; a dispatcher is attached if there is none
 * @pad:   zero
 */
struct turnpike_attach_opts {
	size_t sz;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
	__u32 pad;
};

/**
 * turnpike_attach() - begin to relay packets that come in by a device
 * @tp:     a handle
 * @ifname: an Ethernet device in the handle's network namespace
 * @opts:   NULL: mode AUTO
 *
 * The library then asks the kernel which program is attached, and fails if it is not its own. It
 * never replaces the program of another owner.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: @opts has no valid size, or options contradict each other
 * - -E2BIG: @opts has members that the library does not know
 * - -ENODEV: no such device
 * - -EALREADY: the device is attached already
 * - -EBUSY, -EEXIST: another program is attached
 * - -EOPNOTSUPP: not supported by the device or the kernel
 * - -ENOSPC: more than TURNPIKE_SLOTS pairs of device and mode
 * - -EPERM: a capability is missing
 * - -ENOMEM: out of memory
 * - others of bpf(2) and netlink(7)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_attach(struct turnpike *tp, const char *ifname,
				 const struct turnpike_attach_opts *opts);

/**
 * turnpike_switch() - change the mode of an attached device, under traffic
 * @tp:     a handle
 * @ifname: an attached device
 * @opts:   as for turnpike_attach(); NULL or mode AUTO selects anew, without regard to back-offs
 *
 * Flows and counters stay. On the same hook the kernel replaces the program in place. Between
 * hooks, the new program is attached before the old one is detached. Native and generic XDP exclude
 * each other: between them, packets take the slow path for a moment.
 *
 * Return: 0, or a negative errno, and the device is relayed as before:
 * - -ENODEV: the device is not attached
 * - others of turnpike_attach()
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_switch(struct turnpike *tp, const char *ifname,
				 const struct turnpike_attach_opts *opts);

/**
 * turnpike_detach() - stop relaying packets that come in by a device
 *
 * The device's counters stay.
 *
 * Return: 0, or a negative errno:
 * - -ENODEV: the device is not attached
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_detach(struct turnpike *tp, const char *ifname);

/**
 * struct turnpike_status - an attached device
 * @dev:     its name
 * @ifindex: its index
 * @mode:    never AUTO
 * @moves:   AUTO with mode userspace, where nothing moves
 * @hook:    never AUTO
 * @prog_id: the kernel's id of the program; 0 with mode userspace
 * @why:     why this mode: one sentence
 * @proof:   XDP: what the trial before attaching and the traffic since then have proven, what is
 *           unproven, and whether lost frames are counted; may be empty
 * @changes: times the mode has changed unasked, see turnpike_on_change()
 */
struct turnpike_status {
	char dev[TURNPIKE_IFNAMSIZ];
	__u32 ifindex;
	enum turnpike_mode mode;
	enum turnpike_moves moves;
	enum turnpike_hook hook;
	__u32 prog_id;
	char why[512];
	char proof[640];
	__u32 changes;
};

/**
 * struct turnpike_change - an unasked change of a device's mode
 * @from: the device before
 * @to:   the device now; its @why has the reason
 */
struct turnpike_change {
	const struct turnpike_status *from;
	const struct turnpike_status *to;
};

/**
 * turnpike_on_change() - set a callback for unasked changes of a device's mode
 * @tp:  a handle
 * @fn:  called from turnpike_poll(); NULL: none
 * @arg: passed to @fn
 *
 * turnpike_poll() supervises the devices. It selects anew, within the options given, when a device
 * disappears, comes back or gets another MTU, or when its hook becomes free.
 *
 * It demotes an auto-selected mode whose program does not run although packets come in, whose
 * packets find no room, or whose frames the driver loses. The next best mode takes over all flows;
 * the failed one is retried after a back-off. A requested mode is kept: then @fn is called once,
 * with equal @from and @to, and the fault in @why.
 *
 * Since: 0.1
 */
TURNPIKE_API void turnpike_on_change(struct turnpike *tp,
				     void (*fn)(const struct turnpike_change *change, void *arg),
				     void *arg);

/**
 * turnpike_for_each_device() - list the attached devices
 * @tp:  a handle
 * @fn:  called for each; a result other than 0 ends the list
 * @arg: passed to @fn
 *
 * Return: 0, or what @fn returned.
 *
 * Since: 0.1
 */
TURNPIKE_API int
turnpike_for_each_device(const struct turnpike *tp,
			 int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

/**
 * struct turnpike_binding - what a TURN server relays between a client and a peer: by a channel, or
 *                           by Send and Data indications
 * @sz:      size of this struct
 * @client:  the client's transport address, as the server sees it
 * @server:  the server's transport address that the client sends to
 * @relay:   the relayed transport address, as in peers' packets when they reach this host
 * @peer:    the peer's transport address
 * @channel: channel number; 0: by indications
 * @pad, @pad2: zero
 * @channel_expires:    from then on the client's packets take the slow path; without a channel it
 *                      equals @permission_expires
 * @permission_expires: from then on the peer's packets take the slow path
 *                      A refresh that prolongs both by less than a second may have no effect
 * @to_peer_policer, @to_client_policer: policer of each direction, see turnpike_policer_new(); 0:
 *           none
 * @xor_peer: without a channel: the peer as XOR-PEER-ADDRESS names it, in both directions. It is
 *            @peer, unless that is a client of this relay behind a NAT. With a channel: zero.
 *
 * @client and @server are of one family, @relay and @peer of one; the two may differ. IPv4
 * addresses are not given as IPv4-mapped IPv6 addresses (::ffff:0:0/96), which are refused.
 * @client, @server and @channel identify a binding; without a channel, @xor_peer does, too.
 *
 * Without a channel, Send indications become datagrams to the peer (RFC 8656 section 11.2), and its
 * datagrams become Data indications (section 11.3). Send indications with other attributes than
 * XOR-PEER-ADDRESS, DATA, a FINGERPRINT at the end, and optional ones take the slow path.
 *
 * Two bindings may be each other's peer: the @peer of each is the @relay of the other. Then packets
 * go from client to client in one pass, in the framing of each (a hairpin). They need the live
 * channel, or permission, of the sender's binding and the live permission of the other, and are
 * charged to both.
 */
struct turnpike_binding {
	size_t sz;
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
	struct turnpike_addr xor_peer;
	__u32 pad2;
};

/**
 * turnpike_bind() - relay a binding, or change the times and policers of one
 *
 * When it returns 0, the next packet of each direction takes the slow path, and further ones are
 * relayed in the kernel as soon as the next hop is resolved and the stack has confirmed the flow. A
 * known binding keeps its counters.
 *
 * A binding that finds no room, or that the kernel refuses for the moment, waits, unless as many as
 * @max_waiting of struct turnpike_open_opts do already. It takes the slow path until
 * turnpike_poll() has bound it: as soon as there is room, the longest waiting first, and at
 * intervals of 1 to 30 s. Bind it again to change its times, and unbind it like any other. It is
 * forgotten when both its times are over.
 *
 * After any other error, a new binding is not relayed in either direction, and a known one is
 * removed; it need not be unbound.
 *
 * Return: 0, or a negative errno:
 * - -EAGAIN: the binding waits
 * - -EINVAL: @binding has no valid size, address, channel or policer
 * - -E2BIG: @binding has members that the library does not know
 * - -EEXIST: another binding has the same relay and peer, or is identified by the same members
 * - -EADDRINUSE: a port would have to be both a listener's and a relay's
 * - -ENOSPC: no room, and no more bindings may wait
 * - -ENOMEM: out of memory
 * - others of bpf(2)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_bind(struct turnpike *tp, const struct turnpike_binding *binding);

/**
 * turnpike_unbind() - stop relaying a binding, or waiting for it
 * @tp:      a handle
 * @binding: only what identifies it is used
 *
 * Packets that are being processed may still be relayed.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: @binding has no valid size
 * - -E2BIG: @binding has members that the library does not know
 * - -ENOENT: no such binding
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_unbind(struct turnpike *tp, const struct turnpike_binding *binding);

/** What a binding waits for, see turnpike_bind(). */
enum turnpike_wait {
	TURNPIKE_WAIT_FLOWS,    /* room in the map of flows */
	TURNPIKE_WAIT_NEXTHOPS, /* room in the map of next hops */
	TURNPIKE_WAIT_SETTLING, /* freed next hops that packets may still use: a second at most */
	TURNPIKE_WAIT_ERROR,    /* the end of a kernel error, such as -ENOMEM */
	TURNPIKE_WAIT_MAX,
};

/**
 * turnpike_waiting() - number of bindings that wait for @what, as of their last attempts
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_waiting(const struct turnpike *tp, enum turnpike_wait what);

/**
 * turnpike_confirm_ms() - time between two checks of a flow at present
 *
 * It is @confirm_ms of struct turnpike_open_opts, or half of the time after which the host's
 * connection tracking forgets a UDP flow, if that is shorter.
 *
 * Return: ms; 0 if flows are not confirmed.
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_confirm_ms(const struct turnpike *tp);

/** Tables of a handle that bindings and policers take room of. */
enum turnpike_table {
	TURNPIKE_TABLE_FLOWS_IPV4,
	TURNPIKE_TABLE_FLOWS_IPV6,
	TURNPIKE_TABLE_NEXTHOPS, /* pairs of local and remote address */
	TURNPIKE_TABLE_POLICERS,
	TURNPIKE_TABLE_MAX,
};

/**
 * turnpike_table_size(), turnpike_table_used() - how many elements a table has, and how many are in
 * use
 *
 * Bindings that wait use none. The sizes are constant.
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_table_size(const struct turnpike *tp, enum turnpike_table table);
TURNPIKE_API __u32 turnpike_table_used(const struct turnpike *tp, enum turnpike_table table);

/** Who receives packets on the link, see turnpike_reach(). */
enum turnpike_reach {
	TURNPIKE_REACH_SHARED,     /* a gateway, or a device that needs no neighbours */
	TURNPIKE_REACH_RESOLVED,   /* the remote host itself, whose neighbour the kernel knows */
	TURNPIKE_REACH_UNRESOLVED, /* the remote host itself, which has not answered yet */
};

/**
 * turnpike_reach() - find out whether packets between two addresses need a neighbour of their own
 * @tp:            a handle
 * @local, @remote: IP addresses, one of them local; ports are ignored
 *
 * The kernel's table of neighbours is small (net.ipv4.neigh.default.gc_thresh3), and all programs
 * of the host share it. A server can limit how much of it each user takes.
 *
 * Return: enum turnpike_reach, or a negative errno:
 * - -EHOSTUNREACH, -ENETUNREACH: no route
 * - others of netlink(7)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_reach(struct turnpike *tp, const struct turnpike_addr *local,
				const struct turnpike_addr *remote);

/** Rules of the host, see turnpike_unwatched(). */
enum turnpike_rules {
	TURNPIKE_RULES_NETFILTER = 1u << 0, /* nftables, and iptables on top of it */
	TURNPIKE_RULES_IPSEC = 1u << 1,
};

/**
 * turnpike_unwatched() - rules of the host whose changes this kernel does not report
 *
 * They hold for confirmed flows only from the next check on: see @confirm_ms of struct
 * turnpike_open_opts.
 *
 * Return: a mask of enum turnpike_rules.
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_unwatched(const struct turnpike *tp);

/**
 * struct turnpike_policer_opts - options of turnpike_policer_new()
 * @sz:     size of this struct
 * @rate:   units a second; 0: no limit for now
 * @burst:  units; packets that take more never pass. 0: a quarter of a second at @rate, and at
 * least 64 KiB, or 64 packets
 * @parent: policer one level up, shared with others; 0: none. Policers nest four deep, such as
 *          those of an allocation, of its user's bytes and packets, and of the server
 * @unit:   enum turnpike_policer_unit. In bytes, a packet takes its application data and
 *          TURNPIKE_POLICER_OVERHEAD
 * @full:   when it is full: what turnpike_policer_full() said of one that it continues. 0: at once
 */
struct turnpike_policer_opts {
	size_t sz;
	__u64 rate;
	__u64 burst;
	__u32 parent;
	__u32 unit;
	__u64 full;
};

/**
 * turnpike_policer_new() - create a policer, which limits one binding or more
 * @tp:   a handle
 * @opts: NULL: no limit for now, and no parent
 * @ret:  its number, never 0, to be freed with turnpike_policer_free()
 *
 * Packets of all bindings and directions with this policer are charged to it and to its parents, by
 * the programs and by turnpike_police(). Packets in excess of any of them are dropped, counted as
 * TURNPIKE_POLICED, and charged to none.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: @opts has no valid size or unit, or the parent does not exist or is the fourth level
 *   already
 * - -E2BIG: @opts has members that the library does not know
 * - -ENOSPC: all policers that the handle was opened for are in use
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				      __u32 *ret);

/**
 * turnpike_policer_set() - change rate and burst of a policer at once
 *
 * It stays as full as it is: if a third of the old burst is missing, so is a third of the new one.
 * Parent and unit stay.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: no such policer
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst);

/**
 * turnpike_policer_full() - when a policer will be full, if nothing else is charged
 *
 * For a policer that continues this one after turnpike_policer_free().
 *
 * Return: a time, perhaps in the past; 0 if there is no such policer.
 *
 * Since: 0.1
 */
TURNPIKE_API __u64 turnpike_policer_full(const struct turnpike *tp, __u32 policer);

/**
 * turnpike_policer_free() - free a policer's number
 *
 * No binding may use it any more, and no other policer may have it as its parent.
 *
 * Since: 0.1
 */
TURNPIKE_API void turnpike_policer_free(struct turnpike *tp, __u32 policer);

/**
 * turnpike_police() - charge a packet that the server relays itself
 * @tp:      a handle
 * @policer: 0: no limit
 * @bytes:   of application data
 *
 * Any thread, at any time, unless the policer is freed meanwhile. Leaves no sentence for
 * turnpike_error().
 *
 * Return: 0, or a negative errno:
 * - -EDQUOT: drop the packet
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes);

/**
 * turnpike_path_changed() - report that a path MTU has changed
 * @tp:            a handle
 * @local, @remote: IP addresses, one of them local; ports are ignored
 *
 * For a server whose sockets report that a packet was too big (EMSGSIZE with IP_RECVERR or
 * IPV6_RECVERR). The kernel has then learnt a path MTU, which netlink(7) does not announce. From
 * now on, packets that exceed it take the slow path.
 *
 * Since: 0.1
 */
TURNPIKE_API void turnpike_path_changed(struct turnpike *tp, const struct turnpike_addr *local,
					const struct turnpike_addr *remote);

/** Why a flow is not relayed in the kernel, see struct turnpike_flow_info. */
enum turnpike_cause {
	TURNPIKE_CAUSE_NONE,       /* it is */
	TURNPIKE_CAUSE_UNRESOLVED, /* the next hop is not resolved */
	TURNPIKE_CAUSE_NEW,        /* no packet has been confirmed yet */
	TURNPIKE_CAUSE_AGAIN,      /* the confirmation has expired, and the next packet renews it */
	TURNPIKE_CAUSE_LOCAL,      /* the peer is this host */
	TURNPIKE_CAUSE_UNSEEN,     /* packets do not come in or leave by a device that relays */
	TURNPIKE_CAUSE_DEVICE,     /* they leave by another device than the route says */
	TURNPIKE_CAUSE_NEXTHOP,    /* to another next hop */
	TURNPIKE_CAUSE_TAGS,       /* with other VLAN tags */
	TURNPIKE_CAUSE_SOURCE,     /* NAT changes the source address */
	TURNPIKE_CAUSE_PORT,       /* NAT changes the source port */
	TURNPIKE_CAUSE_ENCRYPTED,  /* IPsec encrypts them */
	TURNPIKE_CAUSE_ENCAPSULATED,     /* they leave in a tunnel */
	TURNPIKE_CAUSE_DECRYPTED,        /* they arrive encrypted by IPsec */
	TURNPIKE_CAUSE_MAY_BE_DECRYPTED, /* generic XDP: they may, which it does not see */
	TURNPIKE_CAUSE_MAX,
};

/**
 * struct turnpike_flow_info - one direction of a binding, as the kernel has it
 * @direction:         TO_PEER, TO_CLIENT, or HAIRPIN: to the client of another binding
 * @src, @dst:         of incoming packets
 * @new_src, @new_dst: of outgoing packets
 * @channel:           of the binding; 0: it has none
 * @resolved:          1: the next hop is resolved
 * @expires:           from then on packets take the slow path
 * @packets:           packets relayed
 * @bytes:             application data relayed
 * @confirmed:         1: the stack has confirmed the flow, see @confirm_ms of struct
 *                     turnpike_open_opts
 * @why:               why packets are not relayed in the kernel: a few words
 * @framing:           of incoming packets
 * @new_framing:       of outgoing packets
 * @xor_peer:          of the binding, see struct turnpike_binding
 * @cause:             what @why says
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
	__u32 confirmed;
	char why[100];
	enum turnpike_framing framing;
	enum turnpike_framing new_framing;
	struct turnpike_addr xor_peer;
	enum turnpike_cause cause;
};

/**
 * turnpike_for_each_flow() - list the flows, both directions of each binding
 *
 * See turnpike_for_each_device().
 *
 * Return: 0, or what @fn returned.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_for_each_flow(const struct turnpike *tp,
					int (*fn)(const struct turnpike_flow_info *flow, void *arg),
					void *arg);

/**
 * struct turnpike_traffic - what the kernel has relayed of one direction of a binding
 * @packets: packets
 * @bytes:   application data
 */
struct turnpike_traffic {
	__u64 packets;
	__u64 bytes;
};

/**
 * turnpike_binding_traffic() - read what the kernel has relayed of a binding since turnpike_bind()
 * @tp:        a handle
 * @binding:   the addresses and the channel matter
 * @to_peer:   what the client sent; also what went to another client of this relay
 * @to_client: what the peer sent, unless it is another client of this relay
 *
 * Changes of the binding by turnpike_bind() do not reset the counters.
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: @binding has no valid size
 * - -E2BIG: @binding has members that the library does not know
 * - -ENOENT: the binding does not exist, or waits
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_binding_traffic(struct turnpike *tp,
					  const struct turnpike_binding *binding,
					  struct turnpike_traffic *to_peer,
					  struct turnpike_traffic *to_client);

/**
 * turnpike_binding_flows() - look up the flows of a binding
 * @tp:        a handle
 * @binding:   only what identifies it is used
 * @to_peer:   the flow of what the client sends
 * @to_client: the flow of what the peer sends
 * @wait:      what the binding waits for, as of its last attempt; only with -EAGAIN
 *
 * Return: 0, or a negative errno:
 * - -EAGAIN: the binding waits
 * - -EINVAL: @binding has no valid size
 * - -E2BIG: @binding has members that the library does not know
 * - -ENOENT: no such binding
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_binding_flows(struct turnpike *tp, const struct turnpike_binding *binding,
					struct turnpike_flow_info *to_peer,
					struct turnpike_flow_info *to_client,
					enum turnpike_wait *wait);

/** struct turnpike_walk - a list of flows that is read in pieces */
struct turnpike_walk;

/**
 * turnpike_walk_begin() - begin to list the flows in pieces
 *
 * For many flows, if others wait for the handle. Bindings may change between two pieces. The walk
 * lists each binding that exists all the time once, as it is then, and none that is made after its
 * begin.
 *
 * Return: 0, or a negative errno:
 * - -ENOMEM
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_walk_begin(struct turnpike *tp, struct turnpike_walk **ret);

/**
 * turnpike_walk_next() - list the flows of the next bindings, as turnpike_for_each_flow() does
 * @n: number of bindings
 *
 * Return: 1 if there may be more, 0 after the last one, or what @fn returned; then the walk must
 * end.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_walk_next(struct turnpike_walk *walk, __u32 n,
				    int (*fn)(const struct turnpike_flow_info *flow, void *arg),
				    void *arg);

/**
 * turnpike_walk_end() - free a walk, before turnpike_close(); accepts NULL
 *
 * Since: 0.1
 */
TURNPIKE_API void turnpike_walk_end(struct turnpike_walk *walk);

/**
 * struct turnpike_count - packets with the same device, mode, direction and verdict
 * @dev:       the device they came in by
 * @mode:      the mode at that time
 * @direction: as far as it is known
 * @verdict:   what became of them
 * @packets:   their number
 * @bytes:     application data if relayed, otherwise frames
 */
struct turnpike_count {
	const char *dev;
	enum turnpike_mode mode;
	enum turnpike_direction direction;
	enum turnpike_verdict verdict;
	__u64 packets;
	__u64 bytes;
};

/**
 * turnpike_for_each_count() - list the counters that are not zero
 *
 * See turnpike_for_each_device().
 *
 * Return: 0, a negative errno of bpf(2), or what @fn returned.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_for_each_count(const struct turnpike *tp,
					 int (*fn)(const struct turnpike_count *count, void *arg),
					 void *arg);

/**
 * turnpike_flows() - number of flows: two for each binding
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_flows(const struct turnpike *tp);

/**
 * turnpike_bindings() - number of bindings whose clients use @framing: channels, or indications
 *
 * Since: 0.1
 */
TURNPIKE_API __u32 turnpike_bindings(const struct turnpike *tp, enum turnpike_framing framing);

/**
 * turnpike_fd() - file descriptor that is readable when turnpike_poll() has something to do
 *
 * It belongs to the handle: wait for it, but do not read or close it.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_fd(const struct turnpike *tp);

/**
 * turnpike_poll() - process events, and supervise devices and neighbours
 *
 * Call it whenever turnpike_fd() is readable, and once a second. It does not block. It
 * - updates next hops as routes, neighbours and links change,
 * - refreshes neighbours that only the fast path sends to,
 * - supervises the devices (turnpike_on_change()),
 * - binds what waits (turnpike_bind()), for a few milliseconds,
 * - sends ICMP errors for packets that were dropped because their TTL was used up, or because they
 *   were too big and must not be fragmented (RFC 8656 section 13): as a router does, 100 a second
 *   at most, and only with CAP_NET_RAW.
 *
 * Return: 0, or a negative errno of netlink(7). Even then, all next hops have been looked up anew.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_poll(struct turnpike *tp);

/**
 * struct turnpike_variant - a program, as the verifier saw it
 * @program:        its name
 * @mode, @moves:   what it is for
 * @insns:          instructions after translation
 * @verified_insns: instructions that the verifier processed; 0: not known (before Linux 5.16)
 * @stack_bytes:    stack of all its functions together; 0: not known
 * @jited_bytes:    machine code; 0: without JIT
 * @error:          0, or the negative errno of bpf(2) that loading failed with
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
 * turnpike_verify() - load every program in every configuration, and attach none
 * @fn:  called for each; see turnpike_for_each_device()
 * @arg: passed to @fn
 *
 * Return: 0, the negative errno of the first program that did not load, or what @fn returned.
 * turnpike_error(NULL) has the sentence.
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_verify(int (*fn)(const struct turnpike_variant *variant, void *arg),
				 void *arg);

#ifdef __cplusplus
}
#endif

#endif /* TURNPIKE_TURNPIKE_H */

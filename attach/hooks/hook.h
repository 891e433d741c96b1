/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hooks: how a program is attached to a device. A new one is a file with a struct hook_ops and
 * a line in ATTACH_POINTS.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_HOOK_H
#define TURNPIKE_ATTACH_HOOKS_HOOK_H

#include <linux/types.h>
#include <stdbool.h>
#include <sys/types.h>

struct bpf_object;

/**
 * ATTACH_POINTS - X(mode, hook, ops), best first: automatic selection goes down this list
 *
 * Generic XDP comes after TC although on a veth pair, whose frames are linear and have headroom, it
 * relays about 1.3 times as much (docs/performance.md). Behind a NIC it has to copy most frames
 * first (netif_receive_generic_xdp() linearizes them, with 256 bytes of headroom), and it turns LRO
 * and GRO-HW off for all other traffic of the host.
 */
/* clang-format off */
#define ATTACH_POINTS(X)                                     \
	X(XDP_NATIVE,  XDP,        hook_xdp_native)             \
	X(XDP_NATIVE,  DISPATCHER, hook_dispatcher_native)      \
	X(TC,          TCX,        hook_tcx)                    \
	X(TC,          CLSACT,     hook_clsact)                 \
	X(XDP_GENERIC, XDP,        hook_xdp_generic)            \
	X(XDP_GENERIC, DISPATCHER, hook_dispatcher_generic)
/* clang-format on */

/** Size of the arrays that struct hook_ops' @query fills. */
#define HOOK_MAX_PROGS 64

/**
 * struct hook_state - what detaching needs to know; begin with HOOK_STATE_NONE
 * @fd:       the link, or the pipe to the guardian; -1: none
 * @guardian: clsact and dispatcher: see guardian.h; 0: none
 * @mark:     XDP: the name of MARK_XDP; negative: none
 */
struct hook_state {
	int fd;
	pid_t guardian;
	int mark;
};

#define HOOK_STATE_INIT                             \
	{                                           \
		.fd = -1, .guardian = 0, .mark = -1 \
	}
#define HOOK_STATE_NONE ((struct hook_state)HOOK_STATE_INIT)

/**
 * struct hook_ops - operations of a hook
 * @attach:  attach program @prog_fd. -EBUSY or -EEXIST: another owner's program is attached. After
 *           an error the device is as before. The program must be detached when this process ends,
 *           even by SIGKILL
 * @load_and_attach: in place of @attach, for a hook whose programs are loaded for their place: load
 *           @program of @object, and attach it. *@prog_fd is the program, or -1 before; if it was
 *           loaded already, it is attached again. NULL: not necessary
 * @replace: replace the program of @state by @prog_fd, without a gap. NULL: not possible
 * @query:   read the ids of all attached programs, of any owner, HOOK_MAX_PROGS at most, into @ids,
 *           and their number into @n
 * @is_attached: is the program of @state attached? NULL: @query tells
 * @detach:  detach what @attach left in @state, and nothing else; @state is then HOOK_STATE_NONE
 *
 * Each returns 0 or a negative errno, and logs nothing: the callers report.
 */
struct hook_ops {
	int (*attach)(__u32 ifindex, int prog_fd, struct hook_state *state);
	int (*load_and_attach)(__u32 ifindex, struct bpf_object *object, const char *program,
			       struct hook_state *state, int *prog_fd);
	int (*replace)(const struct hook_state *state, int prog_fd);
	int (*query)(__u32 ifindex, __u32 *ids, __u32 *n);
	bool (*is_attached)(const struct hook_state *state);
	void (*detach)(struct hook_state *state);
};

#define DECLARE_HOOK_OPS(mode, hook, ops) extern const struct hook_ops ops;
ATTACH_POINTS(DECLARE_HOOK_OPS)
#undef DECLARE_HOOK_OPS

/** hook_tcx_egress, hook_clsact_egress - where observers are attached: see observer.h */
extern const struct hook_ops hook_tcx_egress;
extern const struct hook_ops hook_clsact_egress;

/**
 * clsact_sweep() - remove the filters that a relay left on a device
 *
 * systemd and the OOM killer end all processes of a service at once, also the one that would have
 * removed them. Filters of a running relay stay.
 */
void clsact_sweep(__u32 ifindex);

/** xdp_sweep() - wait until the helper of a relay that was killed has detached its XDP program */
void xdp_sweep(__u32 ifindex);

/** dispatcher_sweep() - the same for the programs of relays in a dispatcher; needs CAP_SYS_ADMIN */
void dispatcher_sweep(__u32 ifindex);

/** dispatcher_exists() - is any device of the host known to have a dispatcher? */
bool dispatcher_exists(void);

/** hook_update_link(), hook_close_link() - @replace and @detach of hooks that are bpf_links */
int hook_update_link(const struct hook_state *state, int prog_fd);
void hook_close_link(struct hook_state *state);

#endif /* TURNPIKE_ATTACH_HOOKS_HOOK_H */

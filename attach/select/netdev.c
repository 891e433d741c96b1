/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/netdev.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdbool.h>

#include "base/compat.h"

struct answer {
	__u64 features;
	bool known;
};

static int on_device(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[COMPAT_NETDEV_A_DEV_XDP_FEATURES + 1];
	struct answer *answer = arg;

	if (genlmsg_parse(nlmsg_hdr(msg), 0, attrs, COMPAT_NETDEV_A_DEV_XDP_FEATURES, NULL) == 0 &&
	    attrs[COMPAT_NETDEV_A_DEV_XDP_FEATURES]) {
		answer->features = nla_get_u64(attrs[COMPAT_NETDEV_A_DEV_XDP_FEATURES]);
		answer->known = true;
	}
	return NL_OK;
}

static int ask(struct nl_sock *sock, __u32 ifindex, struct answer *answer)
{
	int family, err;
	struct nl_msg *msg;

	if (genl_connect(sock))
		return -EPROTONOSUPPORT;
	family = genl_ctrl_resolve(sock, "netdev");
	if (family < 0)
		return -ENOENT;
	msg = nlmsg_alloc();
	if (!msg)
		return -ENOMEM;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_device, answer);
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, COMPAT_NETDEV_CMD_DEV_GET,
			 1) ||
	    nla_put_u32(msg, COMPAT_NETDEV_A_DEV_IFINDEX, ifindex)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	/* The answer and an acknowledgement, or an error. */
	err = nl_send_sync(sock, msg);
	if (err < 0)
		return -EIO;
	return answer->known ? 0 : -ENODATA;
}

int netdev_xdp_features(__u32 ifindex, __u64 *ret)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct answer answer = { 0 };
	int err;

	if (!sock)
		return -ENOMEM;
	err = ask(sock, ifindex, &answer);
	nl_socket_free(sock);
	if (!err)
		*ret = answer.features;
	return err;
}

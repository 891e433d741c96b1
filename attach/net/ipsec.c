/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/ipsec.h"

#include <errno.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "net/netlink.h"

static bool is_tunnel(const struct xfrm_user_tmpl *template)
{
	return template->mode == XFRM_MODE_TUNNEL || template->mode == XFRM_MODE_BEET;
}

/* Packets without an optional template are admitted, too. */
bool ipsec_requires_tunnel(struct nl_msg *msg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct xfrm_userpolicy_info *policy = nlmsg_data(header);
	const struct xfrm_user_tmpl *template;
	struct nlattr *templates;
	size_t i, n;

	if (nlmsg_datalen(header) < (int)sizeof(*policy) || policy->dir != XFRM_POLICY_IN)
		return false;
	templates = nlmsg_find_attr(header, sizeof(*policy), XFRMA_TMPL);
	if (!templates)
		return false;
	template = nla_data(templates);
	n = (size_t)nla_len(templates) / sizeof(*template);
	for (i = 0; i < n; i++)
		if (is_tunnel(&template[i]) && !template[i].optional)
			return true;
	return false;
}

static int on_policy(struct nl_msg *msg, void *found)
{
	if (nlmsg_hdr(msg)->nlmsg_type == XFRM_MSG_NEWPOLICY && ipsec_requires_tunnel(msg))
		*(bool *)found = true;
	return NL_OK;
}

struct tunnels {
	bool found;
};

static int run_list(struct privileged *privileged, const void *args, void *result, int *fd)
{
	struct xfrm_userpolicy_id any = { 0 };
	struct tunnels *tunnels = result;
	struct nl_sock *sock;
	int err = netlink_open(NETLINK_XFRM, &sock);

	(void)privileged;
	(void)args;
	(void)fd;
	/* Without xfrm_user there is nobody to make policies, except over PF_KEY. */
	if (err)
		return err == -EPROTONOSUPPORT ? 0 : err;
	err = netlink_ask(sock, netlink_request(XFRM_MSG_GETPOLICY, NLM_F_DUMP, &any, sizeof(any)),
			  on_policy, &tunnels->found);
	nl_socket_free(sock);
	return err;
}

OPERATION(ipsec_operation_list, OPERATION_LIST_POLICIES, run_list, struct nothing, struct tunnels);

bool ipsec_has_tunnels(struct privileged *privileged)
{
	const struct nothing nothing = { 0 };
	struct tunnels tunnels;

	return privileged_call(privileged, &ipsec_operation_list, &nothing, &tunnels, NULL) ||
	       tunnels.found;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/netlink.h"

#include <errno.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel answers before send() returns; only an answer that it dropped is waited for. */
#define ANSWER_SECONDS 2

int netlink_open(int protocol, struct nl_sock **ret)
{
	const struct timeval longest = { .tv_sec = ANSWER_SECONDS };
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	/* Each request here has one answer: either the object or an error. */
	nl_socket_disable_auto_ack(sock);
	/* With a fixed buffer libnl does not peek first, which halves its system calls. */
	if (nl_socket_set_msg_buf_size(sock, NETLINK_MESSAGE_MAX) || nl_connect(sock, protocol) ||
	    setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &longest,
		       sizeof(longest))) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	*ret = sock;
	return 0;
}

/* Of the kernel's own errno, netlink_ask() keeps more than libnl does. */
int netlink_errno(int error)
{
	switch (-error) {
	case NLE_SUCCESS:
		return 0;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_INTR:
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_MSGSIZE:
	case NLE_MSG_TRUNC:
	case NLE_MSG_TOOSHORT:
		return -EMSGSIZE;
	case NLE_MSG_OVERFLOW:
		return -ENOBUFS;
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_PERM:
		return -EPERM;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_OPNOTSUPP:
	case NLE_MSGTYPE_NOSUPPORT:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

bool netlink_is_transient(int err)
{
	return err == -ENOBUFS || err == -ENOMEM || err == -EINTR || err == -EAGAIN ||
	       err == -EBUSY || err == -EIO;
}

struct nl_msg *netlink_request(int type, int flags, void *header, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, header, size, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

void netlink_put(struct nl_msg **msg, int type, const void *data, size_t size)
{
	if (*msg && nla_put(*msg, type, (int)size, data)) {
		nlmsg_free(*msg);
		*msg = NULL;
	}
}

void netlink_put_addr(struct nl_msg **msg, int type, const struct turnpike_addr *addr)
{
	netlink_put(msg, type, addr->ip, netlink_ip_len(addr));
}

struct answer {
	__u32 seq;
	nl_recvmsg_msg_cb_t on_answer;
	void *arg;
	int err; /* the kernel's */
	bool complete;
};

/* After a lost or interrupted answer, the rest of it may still arrive. */
static int check_seq(struct nl_msg *msg, void *arg)
{
	const struct answer *answer = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == answer->seq ? NL_OK : NL_SKIP;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	if (!(nlmsg_hdr(msg)->nlmsg_flags & NLM_F_MULTI))
		answer->complete = true;
	return answer->on_answer(msg, answer->arg);
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct answer *answer = arg;

	(void)msg;
	answer->complete = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	struct answer *answer = arg;

	(void)from;
	answer->err = error->error;
	answer->complete = true;
	return NL_STOP;
}

int netlink_ask(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t on_answer, void *arg)
{
	struct answer answer = { .on_answer = on_answer, .arg = arg };
	int err;

	if (!msg)
		return -ENOMEM;
	nl_socket_modify_cb(sock, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, check_seq, &answer);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &answer);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_end, &answer);
	nl_socket_modify_cb(sock, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &answer);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, &answer);
	err = nl_send_auto(sock, msg);
	answer.seq = nlmsg_hdr(msg)->nlmsg_seq;
	nlmsg_free(msg);
	while (err >= 0 && !answer.complete)
		err = nl_recvmsgs_default(sock);
	if (answer.err)
		return answer.err;
	return err < 0 ? netlink_errno(err) : 0;
}

/* Return: 0 or a negative errno; *@ret is the length of the message, which may be cut. */
static int receive(int fd, void *buf, size_t size, size_t *ret)
{
	ssize_t n;

	do
		n = recv(fd, buf, size, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret = (size_t)n;
	return 0;
}

int netlink_exchange(struct nl_sock *sock, struct nlmsghdr *request, struct nlmsghdr *answer,
		     size_t size)
{
	const int fd = nl_socket_get_fd(sock);
	size_t len = 0;
	int err;

	request->nlmsg_seq = nl_socket_use_seq(sock);
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	/* See check_seq(). */
	do {
		err = receive(fd, answer, size, &len);
		if (err)
			return err;
	} while (len < sizeof(*answer) || answer->nlmsg_seq != request->nlmsg_seq);
	if (answer->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(answer))->error;
	return len <= size && nlmsg_ok(answer, (int)len) ? 0 : -EMSGSIZE;
}

unsigned char netlink_af(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6;
}

size_t netlink_ip_len(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV4 ? 4 : 16;
}

struct nl_addr *netlink_build_addr(const struct turnpike_addr *addr)
{
	return nl_addr_build(netlink_af(addr), addr->ip, netlink_ip_len(addr));
}

bool netlink_read_addr(const struct nl_addr *from, struct turnpike_addr *ret)
{
	const size_t len = from ? nl_addr_get_len(from) : 0;

	if (len != 4 && len != 16)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = len == 4 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	memcpy(ret->ip, nl_addr_get_binary_addr(from), len);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An XDP program that passes every packet, for the peer of the relay's veth device: veth drops
 * XDP_TX frames whose destination has no XDP program. The link that attaches it ends with this
 * process.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"

struct pass {
	const char *device;
	bool expect_device; /* the previous word was "dev" */
};

/* dev IF, or IF */
static int take_word(void *target, char *word)
{
	struct pass *pass = target;

	if (pass->device)
		return -EINVAL;
	if (!pass->expect_device && strcmp(word, "dev") == 0)
		pass->expect_device = true;
	else
		pass->device = word;
	return 0;
}

/* A name, or "if7", as ip(8) prints the index of a device of another namespace. */
static unsigned int find_device(const char *name)
{
	unsigned int index = if_nametoindex(name);
	char real[IF_NAMESIZE];
	uint32_t number;

	if (index || strncmp(name, "if", 2) != 0 || cli_number(name + 2, 1, INT32_MAX, &number))
		return index;
	return if_indextoname(number, real) ? number : 0;
}

/* With multi-buffer support if the kernel has it (5.18), so that any MTU is accepted. */
static int load(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, &opts);

	if (fd != -EINVAL)
		return fd;
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, NULL);
}

static int attach(unsigned int index)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	int program = load();
	int link;

	if (program < 0)
		return program;
	link = bpf_link_create(program, (int)index, BPF_XDP, &opts);
	close(program);
	return link;
}

static void log_failure(const char *device, int err)
{
	switch (err) {
	case -EPERM:
		log_error(
			"permission denied: run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
		break;
	case -EBUSY:
	case -EEXIST:
		log_error(
			"%s already has an XDP program and may need no other: see 'turnpike probe dev %s'",
			device, device);
		break;
	case -EOPNOTSUPP:
		log_error(
			"%s does not support native XDP: use this command for the peer of a veth device",
			device);
		break;
	default:
		log_error("cannot attach to %s: %s", device, strerror(-err));
	}
}

static enum cli_status pass(const char *device, unsigned int index)
{
	sigset_t signals;
	int number, link;

	/* Before attaching, so that no signal leaves the program behind. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	link = attach(index);
	if (link < 0) {
		log_failure(device, link);
		return CLI_ERROR;
	}
	printf("ready %s\n", device);
	fflush(stdout);
	sigwait(&signals, &number);
	close(link);
	return CLI_OK;
}

enum cli_status command_pass(int argc, char **argv)
{
	static const struct cli_option options[] = { { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike pass",
		.doc = "Attach a native XDP program that passes every packet, until interrupted. The "
		       "peer of the relay's veth device needs one to receive XDP_TX frames.",
		.options = options,
		.words = "dev IF",
		.word = take_word,
	};
	struct pass wanted = { 0 };
	enum cli_status status = cli_parse(&syntax, argc, argv, &wanted);
	unsigned int index;

	if (status != CLI_OK)
		return status;
	if (!wanted.device) {
		log_error("the device is missing: expected %s", syntax.words);
		return CLI_USAGE;
	}
	index = find_device(wanted.device);
	if (!index) {
		log_error("no such device in this network namespace: %s; see 'ip link'",
			  wanted.device);
		return CLI_ERROR;
	}
	return pass(wanted.device, index);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An allow-list in two tables: calls that are harmless with any arguments, and calls for which an
 * argument decides. What is missing in both needs a row, and the unit test a line.
 */
#include "process/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "private/array_len.h"

/* clang-format off */
static const int harmless[] = {
	/* Open files. */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fcntl), SCMP_SYS(dup),
	SCMP_SYS(dup3), SCMP_SYS(pipe2), SCMP_SYS(flock),
	/* Files by name, without a change; the control socket and the certificate's state. */
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	/* Sockets; those of other families are below. */
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(sendto),
	SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(shutdown),
	/* Waiting. */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(wait4), SCMP_SYS(waitid),
	/* Memory and threads; see mmap and clone below. */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex),
	SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list), SCMP_SYS(set_tid_address),
	SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getcpu), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* Signals to itself. */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	/* Facts. */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getpid),
	SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getgroups), SCMP_SYS(capget),
	SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(umask),
#ifdef TURNPIKE_SANITIZED
	/* Sanitizers look at the process from outside, by another process and ptrace(2). Only such
	 * a build, which nobody installs, has these. */
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(prctl), SCMP_SYS(mmap), SCMP_SYS(mprotect),
	SCMP_SYS(personality), SCMP_SYS(prlimit64), SCMP_SYS(process_vm_readv), SCMP_SYS(tgkill),
	SCMP_SYS(openat), SCMP_SYS(getpgrp), SCMP_SYS(ioctl), SCMP_SYS(pipe), SCMP_SYS(getdents),
	SCMP_SYS(tkill),
#endif
};
/* clang-format on */

/* In place of SCMP_CMP(), which leaves out datum_b. */
#define IS(number, value) \
	((struct scmp_arg_cmp){ .arg = (number), .op = SCMP_CMP_EQ, .datum_a = (value) })
#define BITS(number, mask, value)                         \
	((struct scmp_arg_cmp){ .arg = (number),          \
				.op = SCMP_CMP_MASKED_EQ, \
				.datum_a = (mask),        \
				.datum_b = (value) })

/* Of open(2): what creates or changes a file. O_TMPFILE contains O_DIRECTORY. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* Types of sockets have flags above. */
#define SOCK_TYPE_MASK 0xf

#define SOCKET(family, type)                                              \
	{                                                                 \
		SCMP_SYS(socket), 2,                                      \
		{                                                         \
			IS(0, (family)), BITS(1, SOCK_TYPE_MASK, (type)), \
		}                                                         \
	}
#define ONE(call, compare)         \
	{                          \
		SCMP_SYS(call), 1, \
		{                  \
			compare,   \
		}                  \
	}
#define OPTION(level, name)                            \
	{                                              \
		SCMP_SYS(setsockopt), 2,               \
		{                                      \
			IS(1, (level)), IS(2, (name)), \
		}                                      \
	}

/* Each is allowed if all of its comparisons hold. Numbers of arguments begin with 0. */
static const struct rule {
	int call;
	unsigned int n;
	struct scmp_arg_cmp compare[2];
} rules[] = {
	/* Reading only. */
	ONE(open, BITS(1, WRITING, O_RDONLY)),
	ONE(openat, BITS(2, WRITING, O_RDONLY)),
	/* Elements of maps: no programs, no new maps, no pins. */
	ONE(bpf, IS(0, BPF_MAP_LOOKUP_ELEM)),
	ONE(bpf, IS(0, BPF_MAP_UPDATE_ELEM)),
	ONE(bpf, IS(0, BPF_MAP_UPDATE_BATCH)),
	ONE(bpf, IS(0, BPF_MAP_DELETE_ELEM)),
	/* No packets from AF_PACKET, no new raw sockets. */
	SOCKET(AF_INET, SOCK_DGRAM),
	SOCKET(AF_INET, SOCK_STREAM),
	SOCKET(AF_INET6, SOCK_DGRAM),
	SOCKET(AF_INET6, SOCK_STREAM),
	SOCKET(AF_UNIX, SOCK_STREAM),
	SOCKET(AF_UNIX, SOCK_DGRAM),
	SOCKET(AF_NETLINK, SOCK_RAW),
	ONE(socketpair, IS(0, AF_UNIX)),
	/* Not IP_HDRINCL, by which the raw sockets for ICMP errors would send any packet. */
	ONE(setsockopt, IS(1, SOL_SOCKET)),
	ONE(setsockopt, IS(1, IPPROTO_TCP)),
	ONE(setsockopt, IS(1, IPPROTO_UDP)),
	ONE(setsockopt, IS(1, SOL_NETLINK)),
	OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
	OPTION(IPPROTO_IP, IP_RECVERR),
	OPTION(IPPROTO_IP, IP_RECVTOS),
	OPTION(IPPROTO_IP, IP_RECVTTL),
	OPTION(IPPROTO_IP, IP_TOS),
	OPTION(IPPROTO_IP, IP_TTL),
	OPTION(IPPROTO_IP, IP_PKTINFO),
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
	OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	OPTION(IPPROTO_IPV6, IPV6_RECVERR),
	OPTION(IPPROTO_IPV6, IPV6_RECVTCLASS),
	OPTION(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
	OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	OPTION(IPPROTO_IPV6, IPV6_TCLASS),
	OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	/* Of devices (select/ethtool.c, if_nametoindex()), and of descriptors. */
	ONE(ioctl, IS(1, SIOCETHTOOL)),
	ONE(ioctl, IS(1, SIOCGIFINDEX)),
	ONE(ioctl, IS(1, SIOCGIFNAME)),
	ONE(ioctl, IS(1, FIONREAD)),
	ONE(ioctl, IS(1, FIONBIO)),
	ONE(ioctl, IS(1, TCGETS)),
	/* No new code. */
	ONE(mmap, BITS(2, PROT_EXEC, 0)),
	ONE(mprotect, BITS(2, PROT_EXEC, 0)),
	/* Threads, no processes. clone3 is below. */
	ONE(clone, BITS(0, CLONE_THREAD, CLONE_THREAD)),
	ONE(prctl, IS(0, PR_SET_NAME)),
	ONE(prctl, IS(0, PR_CAPBSET_READ)),
	{ SCMP_SYS(prctl), 2, { IS(0, PR_CAP_AMBIENT), IS(1, PR_CAP_AMBIENT_IS_SET) } },
	/* Of the calling thread: --worker-cpus. */
	ONE(sched_setaffinity, IS(0, 0)),
	/* Limits are read with a limit to set, if one changes. */
	{ SCMP_SYS(prlimit64), 2, { IS(0, 0), IS(2, 0) } },
};

static int allow_harmless(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(harmless) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, harmless[i], 0);
	return err;
}

static int allow_some(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules) && !err; i++)
		err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, rules[i].n,
					     rules[i].compare);
	return err;
}

/* Its own end by abort(3), and that of a helper that does not answer. */
static int allow_signals(scmp_filter_ctx filter, pid_t helper)
{
	int err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				   IS(0, (scmp_datum_t)getpid()));

	if (!err && helper > 0)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1,
				       IS(0, (scmp_datum_t)helper));
	return err;
}

static int fill(scmp_filter_ctx filter, pid_t helper)
{
	/* A tree, and all threads; the program is generated as for any other one. */
	int err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);

	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = allow_harmless(filter);
	if (!err)
		err = allow_some(filter);
	if (!err)
		err = allow_signals(filter, helper);
	/* Its arguments are in memory. glibc uses clone(2) in its place for this error only. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return err;
}

int system_calls_restrict(pid_t helper)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? fill(filter, helper) : -ENOMEM;

	if (err) {
		log_error("cannot make the filter of system calls: %s", strerror(-err));
		seccomp_release(filter);
		return err;
	}
	err = seccomp_load(filter);
	seccomp_release(filter);
	if (err)
		log_at(LOG_WARNING,
		       "the kernel does not restrict the system calls of the server: %s",
		       strerror(-err));
	return 0;
}

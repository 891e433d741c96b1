/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a process in the server's place can and cannot do, by the filter alone: the test keeps its
 * capabilities, so that every refusal is the filter's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "process/system_calls.h"

static int raw_socket = -1; /* opened before, as the one for ICMP errors */

/* An attempt returns what system calls do: -1 with errno for an error. */
struct attempt {
	const char *name;
	long (*try)(void);
	bool sanitized; /* builds with sanitizers allow it */
};

#define ATTEMPT(name, call)          \
	static long try_##name(void) \
	{                            \
		return call;         \
	}

static char program[] = "/bin/true";
static char *const arguments[] = { program, NULL };
static union bpf_attr attr;
static __u64 seconds;

/* Processes. */
ATTEMPT(execve, execve(program, arguments, NULL))
ATTEMPT(execveat, syscall(SYS_execveat, AT_FDCWD, program, arguments, NULL, 0))
ATTEMPT(fork, syscall(SYS_fork))
ATTEMPT(vfork, syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, 0))
ATTEMPT(ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
ATTEMPT(process_vm_writev, syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0))
ATTEMPT(pidfd_getfd, syscall(SYS_pidfd_getfd, 0, 0, 0))
ATTEMPT(kill_parent, kill(getppid(), 0))
ATTEMPT(kill_init, kill(1, 0))
ATTEMPT(tgkill_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
/* Identity. */
ATTEMPT(setuid, syscall(SYS_setuid, 0))
ATTEMPT(setresuid, syscall(SYS_setresuid, 0, 0, 0))
ATTEMPT(setgroups, syscall(SYS_setgroups, 0, NULL))
ATTEMPT(capset, syscall(SYS_capset, NULL, NULL))
ATTEMPT(dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
ATTEMPT(ambient, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0))
ATTEMPT(unshare, unshare(CLONE_NEWUSER))
ATTEMPT(setns, setns(0, 0))
ATTEMPT(keyctl, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
/* The kernel. */
ATTEMPT(bpf_load, syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)))
ATTEMPT(bpf_map, syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)))
ATTEMPT(bpf_pin, syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)))
ATTEMPT(bpf_run, syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
ATTEMPT(bpf_link, syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)))
ATTEMPT(bpf_by_id, syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr)))
ATTEMPT(perf_event, syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0))
ATTEMPT(init_module, syscall(SYS_init_module, NULL, 0, NULL))
ATTEMPT(io_uring, syscall(SYS_io_uring_setup, 1, NULL))
ATTEMPT(userfaultfd, syscall(SYS_userfaultfd, 0))
ATTEMPT(settimeofday, syscall(SYS_settimeofday, NULL, NULL))
ATTEMPT(reboot, syscall(SYS_reboot, 0, 0, 0, 0))
ATTEMPT(syslog, syscall(SYS_syslog, 3, NULL, 0))
/* Files. */
ATTEMPT(mount, syscall(SYS_mount, NULL, NULL, NULL, 0, NULL))
ATTEMPT(chroot, syscall(SYS_chroot, "/"))
ATTEMPT(write_passwd, syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_WRONLY))
ATTEMPT(append_passwd, syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_APPEND))
ATTEMPT(create, syscall(SYS_openat, AT_FDCWD, "/tmp/turnpike-test", O_RDONLY | O_CREAT, 0600))
ATTEMPT(temporary, syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDONLY, 0600))
ATTEMPT(openat2, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0))
ATTEMPT(truncate, truncate("/etc/passwd-", 0))
ATTEMPT(chmod, syscall(SYS_fchmodat, AT_FDCWD, "/", 0755))
ATTEMPT(chown, syscall(SYS_fchownat, AT_FDCWD, "/", 0, 0, 0))
ATTEMPT(rename, syscall(SYS_renameat2, AT_FDCWD, "/nonexistent", AT_FDCWD, "/nonexistent", 0))
ATTEMPT(link, syscall(SYS_linkat, AT_FDCWD, "/nonexistent", AT_FDCWD, "/nonexistent", 0))
ATTEMPT(symlink, syscall(SYS_symlinkat, "/nonexistent", AT_FDCWD, "/nonexistent/x"))
ATTEMPT(mkdir, syscall(SYS_mkdirat, AT_FDCWD, "/nonexistent/x", 0700))
ATTEMPT(mknod, syscall(SYS_mknodat, AT_FDCWD, "/nonexistent/x", 0, 0))
ATTEMPT(memfd, syscall(SYS_memfd_create, "x", 0))
/* The network, and other devices. */
ATTEMPT(packet, socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)))
ATTEMPT(raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
ATTEMPT(raw6, socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6))
ATTEMPT(second_helper, socket(AF_UNIX, SOCK_SEQPACKET, 0))
ATTEMPT(vsock, socket(AF_VSOCK, SOCK_STREAM, 0))
ATTEMPT(alg, socket(AF_ALG, SOCK_SEQPACKET, 0))
ATTEMPT(own_header, setsockopt(raw_socket, IPPROTO_IP, IP_HDRINCL, &(int){ 1 }, sizeof(int)))
ATTEMPT(own_header6, setsockopt(raw_socket, IPPROTO_IPV6, 36, &(int){ 1 }, sizeof(int)))
ATTEMPT(transparent, setsockopt(raw_socket, IPPROTO_IP, IP_TRANSPARENT, &(int){ 1 }, sizeof(int)))
ATTEMPT(terminal, ioctl(0, TIOCSTI, "x"))
ATTEMPT(device_flags, ioctl(raw_socket, SIOCSIFFLAGS, NULL))
/* Code. */
ATTEMPT(map_code,
	syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
ATTEMPT(protect_code, syscall(SYS_mprotect, NULL, 4096, PROT_READ | PROT_EXEC))
ATTEMPT(personality, syscall(SYS_personality, 0))
ATTEMPT(alarm, syscall(SYS_alarm, seconds))

#define REFUSED(name)                    \
	{                                \
#name, try_##name, false \
	}
#define REFUSED_UNSANITIZED(name)       \
	{                               \
#name, try_##name, true \
	}

static const struct attempt attempts[] = {
	REFUSED(execve),
	REFUSED(execveat),
	REFUSED(fork),
	REFUSED_UNSANITIZED(vfork),
	REFUSED_UNSANITIZED(ptrace),
	REFUSED(process_vm_writev),
	REFUSED(pidfd_getfd),
	REFUSED(kill_parent),
	REFUSED(kill_init),
	REFUSED_UNSANITIZED(tgkill_parent),
	REFUSED(setuid),
	REFUSED(setresuid),
	REFUSED(setgroups),
	REFUSED(capset),
	REFUSED_UNSANITIZED(dumpable),
	REFUSED_UNSANITIZED(ambient),
	REFUSED(unshare),
	REFUSED(setns),
	REFUSED(keyctl),
	REFUSED(bpf_load),
	REFUSED(bpf_map),
	REFUSED(bpf_pin),
	REFUSED(bpf_run),
	REFUSED(bpf_link),
	REFUSED(bpf_by_id),
	REFUSED(perf_event),
	REFUSED(init_module),
	REFUSED(io_uring),
	REFUSED(userfaultfd),
	REFUSED(settimeofday),
	REFUSED(reboot),
	REFUSED(syslog),
	REFUSED(mount),
	REFUSED(chroot),
	REFUSED_UNSANITIZED(write_passwd),
	REFUSED_UNSANITIZED(append_passwd),
	REFUSED_UNSANITIZED(create),
	REFUSED_UNSANITIZED(temporary),
	REFUSED(openat2),
	REFUSED(truncate),
	REFUSED(chmod),
	REFUSED(chown),
	REFUSED(rename),
	REFUSED(link),
	REFUSED(symlink),
	REFUSED(mkdir),
	REFUSED(mknod),
	REFUSED(memfd),
	REFUSED(packet),
	REFUSED(raw),
	REFUSED(raw6),
	REFUSED(second_helper),
	REFUSED(vsock),
	REFUSED(alg),
	REFUSED(own_header),
	REFUSED(own_header6),
	REFUSED(transparent),
	REFUSED_UNSANITIZED(terminal),
	REFUSED_UNSANITIZED(device_flags),
	REFUSED_UNSANITIZED(map_code),
	REFUSED_UNSANITIZED(protect_code),
	REFUSED_UNSANITIZED(personality),
	REFUSED(alarm),
};

#ifdef TURNPIKE_SANITIZED
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

static void *nothing(void *arg)
{
	return arg;
}

/* What a server does; each returns whether it works. */
static bool can_serve(void)
{
	const int on = 1;
	const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6 };

	return fd >= 0 && !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) &&
	       !setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) &&
	       !bind(fd, (const struct sockaddr *)&any, sizeof(any)) && !close(fd);
}

static bool can_start_threads(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

static bool can_read_files(void)
{
	FILE *file = fopen("/etc/passwd", "re");

	return file && fgetc(file) != EOF && fclose(file) == 0;
}

/* The descriptor is not that of a map, and the kernel gets to see that. */
static bool can_use_maps(void)
{
	static const int commands[] = { BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM,
					BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_ELEM };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (syscall(SYS_bpf, commands[i], &attr, sizeof(attr)) != -1 || errno == EPERM)
			return false;
	}
	return true;
}

static bool can_kill_helper(pid_t helper)
{
	return kill(helper, SIGKILL) == 0 && waitpid(helper, NULL, 0) == helper;
}

/* In a child, whose status is the number of complaints. */
static int complain(pid_t helper)
{
	int complaints = 0;

	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		if (attempts[i].sanitized && is_sanitized)
			continue;
		errno = 0;
		if (attempts[i].try() != -1 || errno != EPERM) {
			fprintf(stderr, "%s: not refused by the filter: %s\n", attempts[i].name,
				strerror(errno));
			complaints++;
		}
	}
	if (!can_serve() || !can_start_threads() || !can_read_files() || !can_use_maps() ||
	    !can_kill_helper(helper)) {
		fprintf(stderr, "what a server needs is refused: %s\n", strerror(errno));
		complaints++;
	}
	return complaints;
}

static pid_t start_helper(void)
{
	const pid_t helper = fork();

	/* Until it is killed: no signal has a handler. */
	if (helper == 0) {
		pause();
		_exit(1);
	}
	return helper;
}

static int restricted(void)
{
	const pid_t helper = start_helper();

	if (helper < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || system_calls_restrict(helper))
		return 255;
	return complain(helper);
}

static void test_only_what_is_listed(void **state)
{
	pid_t child;
	int status;

	(void)state;
	raw_socket = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	attr.map_fd = (__u32)-1;
	child = fork();
	if (child == 0)
		_exit(restricted());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The filter is that of all threads, also of those that exist already. */
static void *try_later(void *arg)
{
	int *go = arg, fd;

	while (!__atomic_load_n(go, __ATOMIC_SEQ_CST))
		sched_yield();
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	return (void *)(intptr_t)(fd == -1 && errno == EPERM);
}

static void test_other_threads(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		void *refused = NULL;
		pthread_t thread;
		int go = 0;

		if (pthread_create(&thread, NULL, try_later, &go) ||
		    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || system_calls_restrict(0))
			_exit(255);
		__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
		pthread_join(thread, &refused);
		_exit(refused ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_only_what_is_listed),
					    cmocka_unit_test(test_other_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

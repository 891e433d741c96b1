/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verifier must accept every program in every configuration, within a budget of instructions.
 * The programs are enumerated from the object, so new ones are covered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include <turnpike/abi.h>

#include "turnpike.skel.h"

#define SKIPPED    77     /* CTest's SKIP_RETURN_CODE */
#define BUDGET     100000 /* a tenth of the kernel's limit on verified instructions */
#define MIN_LOADED 4      /* two XDP entry points, two for TC */
#define CONFIRM_NS 10000000000ull

/* Open the object for the program with this index only. Return: NULL if there is none. */
static struct turnpike_bpf *open_for(int number, __u32 skb, __u64 confirm_ns,
				     struct bpf_program **ret)
{
	struct turnpike_bpf *relay = turnpike_bpf__open();
	struct bpf_program *program;
	int i = 0;

	assert_non_null(relay);
	*ret = NULL;
	bpf_object__for_each_program(program, relay->obj) {
		bpf_program__set_autoload(program, i == number);
		if (i++ == number)
			*ret = program;
	}
	relay->rodata->config.ifindex = 7;
	relay->rodata->config.skb = skb;
	relay->rodata->config.confirm_ns = confirm_ns;
	if (*ret)
		return relay;
	turnpike_bpf__destroy(relay);
	return NULL;
}

/* Return: false if there is no program with this index. */
static bool load_one(int number, __u32 skb, __u64 confirm_ns)
{
	struct bpf_prog_info info = { 0 };
	struct bpf_program *program;
	struct turnpike_bpf *relay = open_for(number, skb, confirm_ns, &program);
	__u32 len = sizeof(info);
	char verified[16] = "unknown";

	if (!relay)
		return false;
	assert_int_equal(turnpike_bpf__load(relay), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len), 0);
	/* Reported by Linux 5.16 and later. */
	if (info.verified_insns)
		snprintf(verified, sizeof(verified), "%u", info.verified_insns);
	printf("%-16s %3u %7u %8zu %8u %9s %8u\n", bpf_program__name(program), skb, !!confirm_ns,
	       bpf_program__insn_cnt(program), info.xlated_prog_len / 8, verified,
	       info.jited_prog_len);
	assert_true(info.verified_insns <= BUDGET);
	turnpike_bpf__destroy(relay);
	return true;
}

static void test_load(void **state)
{
	__u32 config;
	int i;

	(void)state;
	printf("%-16s %3s %7s %8s %8s %9s %8s\n", "program", "skb", "confirm", "insns", "xlated",
	       "verified", "jited");
	for (config = 0; config < 4; config++) {
		for (i = 0; load_one(i, config & 1, config & 2 ? CONFIRM_NS : 0); i++)
			;
		assert_in_range(i, MIN_LOADED, 100);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_load) };

	if (geteuid() != 0) {
		fprintf(stderr, "SKIPPED: loading BPF programs needs root\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

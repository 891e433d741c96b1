/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <turnpike/turnpike.h>

#include "fuzz.h"
#include "reached.h"

/* The bits that count of enum indications. */
#define KINDS ((IND_SEND | IND_DATA) + 1)

#define LONG_FRAME 0x4000 /* beyond OFF_MASK of the programs */

static __u64 packets;
static __u64 verdicts[TURNPIKE_VERDICT_MAX];
static __u64 relayed[VARIANTS][TURNPIKE_DIR_MAX][KINDS][FAMILIES];
static __u64 sums[VARIANTS][SUMS];
static __u64 tags[VARIANTS][TURNPIKE_TAGS_MAX + 1];
static __u64 indication_sums[SUMS];
static __u64 padded, disturbed_relayed, long_relayed, head_failed, tail_failed, muted_events;
static __u64 sends_passed, sends_sampled, other_peers, data_moved;

/*
 * libFuzzer treats these as covered code, so it keeps and mutates inputs of every kind. Code
 * coverage would not do, because all kinds of packets run through the same code.
 */
__attribute__((section("__libfuzzer_extra_counters"))) static struct {
	__u8 ends[VARIANTS][TURNPIKE_DIR_MAX][KINDS][FAMILIES][TURNPIKE_VERDICT_MAX];
	__u8 shapes[VARIANTS][KINDS][FAMILIES][SUMS][TURNPIKE_TAGS_MAX + 1][2];
	__u8 rooms[VARIANTS][KINDS][FAMILIES][2][2][2];
} features;

void reach(const struct situation *s, const struct outcome *o, enum turnpike_verdict verdict,
	   bool disturbed)
{
	const long variant = s->variant - variants;
	const __u8 kind = s->indications % KINDS;

	packets++;
	features.ends[variant][o->direction][kind][s->pair][verdict] = 1;
	features.rooms[variant][kind][s->pair][o->head_failed][o->tail_failed][o->data_moved] = 1;
	verdicts[verdict]++;
	head_failed += o->head_failed;
	tail_failed += o->tail_failed;
	muted_events += s->muted && turnpike_verdict_is(verdict, TURNPIKE_KIND_NOTIFY);
	sends_passed += o->is_send && verdict == TURNPIKE_CONTROL;
	sends_sampled += o->is_send && o->sampled;
	other_peers += o->is_send && verdict == TURNPIKE_NO_FLOW;
	if (verdict != TURNPIKE_RELAYED)
		return;
	features.shapes[variant][kind][s->pair][o->sum][o->tags][disturbed] = 1;
	relayed[variant][o->direction][kind][s->pair]++;
	sums[variant][o->sum]++;
	indication_sums[o->sum] += kind != 0;
	data_moved += o->data_moved;
	tags[variant][o->tags]++;
	padded += !o->is_send && o->padding;
	disturbed_relayed += disturbed;
	long_relayed += o->len > LONG_FRAME;
}

static const char *const sum_names[SUMS] = { "right", "wrong", "partial", "no" };

static int missed_verdicts(void)
{
	int verdict, ret = 0;

	for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++)
		if (verdict != TURNPIKE_HEAD_FAILED && verdict != TURNPIKE_TAIL_FAILED &&
		    verdict != TURNPIKE_PARTIAL)
			ret += missed(turnpike_verdict_name((enum turnpike_verdict)verdict),
				      verdicts[verdict]);
	return ret;
}

static int missed_paths(int variant, enum turnpike_direction dir, int kind)
{
	char what[64];
	int pair, ret = 0;

	for (pair = 0; pair < FAMILIES; pair++) {
		snprintf(what, sizeof(what), "relayed, %s, %s%s%s, %d to %d",
			 variants[variant].name, turnpike_direction_name(dir),
			 kind & IND_SEND ? ", Send" : "", kind & IND_DATA ? ", Data" : "",
			 families[pair].in, families[pair].out);
		ret += missed(what, relayed[variant][dir][kind][pair]);
	}
	return ret;
}

/* A flow has a kind on each side where there is a client. */
static int missed_all_paths(int variant)
{
	static const int possible[TURNPIKE_DIR_MAX] = {
		[TURNPIKE_DIR_TO_PEER] = IND_SEND,
		[TURNPIKE_DIR_TO_CLIENT] = IND_DATA,
		[TURNPIKE_DIR_HAIRPIN] = IND_SEND | IND_DATA,
	};
	int dir, kind, ret = 0;

	for (dir = TURNPIKE_DIR_TO_PEER; dir < TURNPIKE_DIR_MAX; dir++)
		for (kind = 0; kind < KINDS; kind++)
			if (!(kind & ~possible[dir]))
				ret += missed_paths(variant, (enum turnpike_direction)dir, kind);
	return ret;
}

static int missed_kinds(int variant)
{
	char what[64];
	int i, ret = 0;

	for (i = 0; i < SUMS; i++) {
		snprintf(what, sizeof(what), "relayed, %s, %s checksum", variants[variant].name,
			 sum_names[i]);
		ret += missed(what, sums[variant][i]);
	}
	for (i = 0; i <= TURNPIKE_TAGS_MAX; i++) {
		snprintf(what, sizeof(what), "relayed, %s, %d tags", variants[variant].name, i);
		ret += missed(what, tags[variant][i]);
	}
	return ret;
}

static int missed_indications(void)
{
	char what[64];
	int i, ret = 0;

	for (i = 0; i < SUMS; i++) {
		snprintf(what, sizeof(what), "indications relayed, %s checksum", sum_names[i]);
		ret += missed(what, indication_sums[i]);
	}
	ret += missed("Send indications, passed as control", sends_passed);
	ret += missed("Send indications, sampled", sends_sampled);
	ret += missed("Send indications, without a flow", other_peers);
	return ret + missed("Data indications, the data has moved", data_moved);
}

int fuzz_missed(void)
{
	int variant, ret = 0;

	printf("%llu packets\n", packets);
	ret += missed_verdicts();
	for (variant = 0; variant < VARIANTS; variant++)
		ret += missed_all_paths(variant) + missed_kinds(variant);
	ret += missed_indications();
	ret += missed("relayed, with ChannelData padding", padded);
	ret += missed("relayed, although a helper failed", disturbed_relayed);
	ret += missed("relayed, longer than 16 KiB", long_relayed);
	ret += missed("no headroom", head_failed);
	ret += missed("no tailroom", tail_failed);
	ret += missed("event limit reached", muted_events);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <turnpike/turnpike.h>

#include "fuzz.h"
#include "reached.h"

#define LONG_FRAME 0x4000 /* beyond OFF_MASK of the programs */

static __u64 packets;
static __u64 verdicts[TURNPIKE_VERDICT_MAX];
static __u64 relayed[VARIANTS][TURNPIKE_DIR_MAX][FAMILIES];
static __u64 sums[VARIANTS][SUMS];
static __u64 tags[VARIANTS][TURNPIKE_TAGS_MAX + 1];
static __u64 padded, disturbed_relayed, long_relayed, head_failed, tail_failed, muted_events;

/*
 * libFuzzer treats these as covered code, so it keeps and mutates inputs of every kind. Code
 * coverage would not do, because all kinds of packets run through the same code.
 */
__attribute__((section("__libfuzzer_extra_counters"))) static struct {
	__u8 ends[VARIANTS][TURNPIKE_DIR_MAX][FAMILIES][TURNPIKE_VERDICT_MAX];
	__u8 shapes[VARIANTS][FAMILIES][SUMS][TURNPIKE_TAGS_MAX + 1][2];
} features;

void reach(const struct situation *s, const struct outcome *o, enum turnpike_verdict verdict,
	   bool disturbed)
{
	const long variant = s->variant - variants;

	packets++;
	features.ends[variant][o->direction][s->pair][verdict] = 1;
	verdicts[verdict]++;
	head_failed += o->head_failed;
	tail_failed += o->tail_failed;
	muted_events += s->muted && turnpike_verdict_is(verdict, TURNPIKE_KIND_NOTIFY);
	if (verdict != TURNPIKE_RELAYED)
		return;
	features.shapes[variant][s->pair][o->sum][o->tags][disturbed] = 1;
	relayed[variant][o->direction][s->pair]++;
	sums[variant][o->sum]++;
	tags[variant][o->tags]++;
	padded += o->padding != 0;
	disturbed_relayed += disturbed;
	long_relayed += o->len > LONG_FRAME;
}

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

static int missed_paths(int variant)
{
	char what[64];
	int dir, pair, ret = 0;

	for (dir = TURNPIKE_DIR_TO_PEER; dir < TURNPIKE_DIR_MAX; dir++) {
		for (pair = 0; pair < FAMILIES; pair++) {
			snprintf(what, sizeof(what), "relayed, %s, %s, %d to %d",
				 variants[variant].name,
				 turnpike_direction_name((enum turnpike_direction)dir),
				 families[pair].in, families[pair].out);
			ret += missed(what, relayed[variant][dir][pair]);
		}
	}
	return ret;
}

static int missed_kinds(int variant)
{
	static const char *const kinds[SUMS] = { "right", "wrong", "partial", "no" };
	char what[64];
	int i, ret = 0;

	for (i = 0; i < SUMS; i++) {
		snprintf(what, sizeof(what), "relayed, %s, %s checksum", variants[variant].name,
			 kinds[i]);
		ret += missed(what, sums[variant][i]);
	}
	for (i = 0; i <= TURNPIKE_TAGS_MAX; i++) {
		snprintf(what, sizeof(what), "relayed, %s, %d tags", variants[variant].name, i);
		ret += missed(what, tags[variant][i]);
	}
	return ret;
}

int fuzz_missed(void)
{
	int variant, ret = 0;

	printf("%llu packets\n", packets);
	ret += missed_verdicts();
	for (variant = 0; variant < VARIANTS; variant++)
		ret += missed_paths(variant) + missed_kinds(variant);
	ret += missed("relayed, with ChannelData padding", padded);
	ret += missed("relayed, although a helper failed", disturbed_relayed);
	ret += missed("relayed, longer than 16 KiB", long_relayed);
	ret += missed("no headroom", head_failed);
	ret += missed("no tailroom", tail_failed);
	ret += missed("event limit reached", muted_events);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <turnpike/probe.h>
#include <turnpike/turnpike.h>

#include "private/array_len.h"

static const char *const mode_names[] = {
	[TURNPIKE_MODE_AUTO] = "auto",
	[TURNPIKE_MODE_XDP_NATIVE] = "xdp-native",
	[TURNPIKE_MODE_XDP_GENERIC] = "xdp-generic",
	[TURNPIKE_MODE_TC] = "tc",
	[TURNPIKE_MODE_USERSPACE] = "userspace",
};

static const char *const moves_names[] = {
	[TURNPIKE_MOVES_AUTO] = "auto",
	[TURNPIKE_MOVES_HEAD] = "head",
	[TURNPIKE_MOVES_TAIL] = "tail",
};

static const char *const hook_names[] = {
	[TURNPIKE_HOOK_AUTO] = "auto",     [TURNPIKE_HOOK_NONE] = "none",
	[TURNPIKE_HOOK_XDP] = "xdp",       [TURNPIKE_HOOK_TCX] = "tcx",
	[TURNPIKE_HOOK_CLSACT] = "clsact", [TURNPIKE_HOOK_DISPATCHER] = "xdp-dispatcher",
};

static const char *const framing_names[] = {
	[TURNPIKE_FRAMING_NONE] = "none",
	[TURNPIKE_FRAMING_CHANNEL] = "channel",
	[TURNPIKE_FRAMING_INDICATION] = "indication",
};

static const char *const direction_names[] = {
	[TURNPIKE_DIR_NONE] = "-",
	[TURNPIKE_DIR_TO_PEER] = "to-peer",
	[TURNPIKE_DIR_TO_CLIENT] = "to-client",
	[TURNPIKE_DIR_HAIRPIN] = "hairpin",
};

static const char *const relation_names[] = {
	[TURNPIKE_RELATION_SELF] = "self",     [TURNPIKE_RELATION_MASTER] = "master",
	[TURNPIKE_RELATION_MEMBER] = "member", [TURNPIKE_RELATION_LOWER] = "lower",
	[TURNPIKE_RELATION_PEER] = "peer",     [TURNPIKE_RELATION_UPPER] = "upper",
	[TURNPIKE_RELATION_BELOW] = "below",
};

static const char *const outlook_names[] = {
	[TURNPIKE_USABLE] = "usable",
	[TURNPIKE_DOUBTFUL] = "doubtful",
	[TURNPIKE_REJECTED] = "rejected",
};

#define VERDICT_NAME(symbol, name, kind, text) [TURNPIKE_##symbol] = (name),
#define VERDICT_TEXT(symbol, name, kind, text) [TURNPIKE_##symbol] = (text),
static const char *const verdict_names[] = { TURNPIKE_VERDICTS(VERDICT_NAME) };
static const char *const verdict_texts[] = { TURNPIKE_VERDICTS(VERDICT_TEXT) };

_Static_assert(ARRAY_LEN(mode_names) == TURNPIKE_MODE_MAX, "every mode has a name");
_Static_assert(ARRAY_LEN(moves_names) == TURNPIKE_MOVES_MAX, "all moves have a name");
_Static_assert(ARRAY_LEN(hook_names) == TURNPIKE_HOOK_MAX, "every hook has a name");
_Static_assert(ARRAY_LEN(framing_names) == TURNPIKE_FRAMING_MAX, "every framing has a name");
_Static_assert(ARRAY_LEN(direction_names) == TURNPIKE_DIR_MAX, "every direction has a name");

_Static_assert(ARRAY_LEN(relation_names) == TURNPIKE_RELATION_MAX, "every relation has a name");
_Static_assert(ARRAY_LEN(outlook_names) == TURNPIKE_OUTLOOK_MAX, "every outlook has a name");

static const char *name_of(const char *const *names, size_t n, unsigned int value)
{
	return value < n ? names[value] : "?";
}

/* The index of @name, or -EINVAL. */
static int value_of(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

const char *turnpike_mode_name(enum turnpike_mode mode)
{
	return name_of(mode_names, ARRAY_LEN(mode_names), mode);
}

const char *turnpike_moves_name(enum turnpike_moves moves)
{
	return name_of(moves_names, ARRAY_LEN(moves_names), moves);
}

const char *turnpike_hook_name(enum turnpike_hook hook)
{
	return name_of(hook_names, ARRAY_LEN(hook_names), hook);
}

const char *turnpike_framing_name(enum turnpike_framing framing)
{
	return name_of(framing_names, ARRAY_LEN(framing_names), framing);
}

const char *turnpike_direction_name(enum turnpike_direction direction)
{
	return name_of(direction_names, ARRAY_LEN(direction_names), direction);
}

const char *turnpike_verdict_name(enum turnpike_verdict verdict)
{
	return name_of(verdict_names, ARRAY_LEN(verdict_names), verdict);
}

const char *turnpike_verdict_text(enum turnpike_verdict verdict)
{
	return name_of(verdict_texts, ARRAY_LEN(verdict_texts), verdict);
}

const char *turnpike_relation_name(enum turnpike_relation relation)
{
	return name_of(relation_names, ARRAY_LEN(relation_names), relation);
}

const char *turnpike_outlook_name(enum turnpike_outlook outlook)
{
	return name_of(outlook_names, ARRAY_LEN(outlook_names), outlook);
}

int turnpike_mode_parse(const char *name, enum turnpike_mode *ret)
{
	const int value = value_of(mode_names, ARRAY_LEN(mode_names), name);

	if (value < 0)
		return value;
	*ret = (enum turnpike_mode)value;
	return 0;
}

int turnpike_moves_parse(const char *name, enum turnpike_moves *ret)
{
	const int value = value_of(moves_names, ARRAY_LEN(moves_names), name);

	if (value < 0)
		return value;
	*ret = (enum turnpike_moves)value;
	return 0;
}

int turnpike_hook_parse(const char *name, enum turnpike_hook *ret)
{
	const int value = value_of(hook_names, ARRAY_LEN(hook_names), name);

	if (value < 0)
		return value;
	*ret = (enum turnpike_hook)value;
	return 0;
}

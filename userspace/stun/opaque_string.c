/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "private/array_len.h"
#include "stun/opaque_string.h"

/** struct text - code points, wiped when freed since they may be a password */
struct text {
	ucs4_t *points;
	size_t len;
};

/** context_rule - whether the code point at @i is allowed in its context */
typedef bool (*context_rule)(const struct text *text, size_t i);

static bool never(const struct text *text, size_t i)
{
	(void)text;
	(void)i;
	return false;
}

static bool always(const struct text *text, size_t i)
{
	(void)text;
	(void)i;
	return true;
}

static bool is_script(ucs4_t point, const char *name)
{
	const uc_script_t *script = uc_script(point);

	return script && strcmp(script->name, name) == 0;
}

static bool follows_virama(const struct text *text, size_t i)
{
	return i > 0 && uc_combining_class(text->points[i - 1]) == UC_CCC_VR;
}

/** Returns the joining type of the nearest non-transparent code point in one direction. */
static int joining_type(const struct text *text, size_t i, size_t step)
{
	int type = UC_JOINING_TYPE_U;

	/* Below 0 the index wraps to SIZE_MAX, which ends the loop, too. */
	for (i += step; i < text->len; i += step) {
		type = uc_joining_type(text->points[i]);
		if (type != UC_JOINING_TYPE_T)
			return type;
	}
	return UC_JOINING_TYPE_U;
}

/** RFC 5892 appendix A.1 */
static bool non_joiner(const struct text *text, size_t i)
{
	int before = joining_type(text, i, (size_t)-1), after = joining_type(text, i, 1);

	return follows_virama(text, i) ||
	       ((before == UC_JOINING_TYPE_L || before == UC_JOINING_TYPE_D) &&
		(after == UC_JOINING_TYPE_R || after == UC_JOINING_TYPE_D));
}

/** A.3 */
static bool between_l(const struct text *text, size_t i)
{
	return i > 0 && i + 1 < text->len && text->points[i - 1] == 'l' &&
	       text->points[i + 1] == 'l';
}

/** A.4 */
static bool before_greek(const struct text *text, size_t i)
{
	return i + 1 < text->len && is_script(text->points[i + 1], "Greek");
}

/** A.5 and A.6 */
static bool after_hebrew(const struct text *text, size_t i)
{
	return i > 0 && is_script(text->points[i - 1], "Hebrew");
}

/** A.7 */
static bool among_japanese(const struct text *text, size_t i)
{
	(void)i;
	for (size_t other = 0; other < text->len; other++) {
		ucs4_t point = text->points[other];

		if (is_script(point, "Hiragana") || is_script(point, "Katakana") ||
		    is_script(point, "Han"))
			return true;
	}
	return false;
}

static bool has_none(const struct text *text, ucs4_t first, ucs4_t last)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->points[i] >= first && text->points[i] <= last)
			return false;
	}
	return true;
}

/** A.8: not mixed with extended Arabic-Indic digits */
static bool arabic_digit(const struct text *text, size_t i)
{
	(void)i;
	return has_none(text, 0x06f0, 0x06f9);
}

/** A.9: not mixed with Arabic-Indic digits */
static bool extended_arabic_digit(const struct text *text, size_t i)
{
	(void)i;
	return has_none(text, 0x0660, 0x0669);
}

/** The exceptions of RFC 8264 section 9.6 and the join controls of section 9.8. */
static const struct {
	ucs4_t first;
	ucs4_t last;
	context_rule is_allowed;
} exceptions[] = {
	{ 0x00b7, 0x00b7, between_l },      { 0x0375, 0x0375, before_greek },
	{ 0x05f3, 0x05f4, after_hebrew },   { 0x0640, 0x0640, never },
	{ 0x0660, 0x0669, arabic_digit },   { 0x06f0, 0x06f9, extended_arabic_digit },
	{ 0x06fd, 0x06fe, always },         { 0x07fa, 0x07fa, never },
	{ 0x0f0b, 0x0f0b, always },         { 0x200c, 0x200c, non_joiner },
	{ 0x200d, 0x200d, follows_virama }, { 0x302e, 0x302f, never },
	{ 0x3031, 0x3035, never },          { 0x303b, 0x303b, never },
	{ 0x30fb, 0x30fb, among_japanese },
};

static bool is_old_hangul_jamo(ucs4_t point)
{
	return (point >= 0x1100 && point <= 0x11ff) || (point >= 0xa960 && point <= 0xa97c) ||
	       (point >= 0xd7b0 && point <= 0xd7fb);
}

/**
 * The algorithm of RFC 8264 section 8 for FreeformClass. It is shorter there: the class allows all
 * code points of the categories below, whether or not they have a compatibility decomposition.
 */
static bool is_freeform(const struct text *text, size_t i)
{
	const uint32_t allowed = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
				 UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_Zs;
	ucs4_t point = text->points[i];

	for (size_t e = 0; e < ARRAY_LEN(exceptions); e++) {
		if (point >= exceptions[e].first && point <= exceptions[e].last)
			return exceptions[e].is_allowed(text, i);
	}
	return uc_is_general_category_withtable(point, allowed) && !is_old_hangul_jamo(point) &&
	       !uc_is_property_default_ignorable_code_point(point);
}

static bool is_allowed(const struct text *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (!is_freeform(text, i))
			return false;
	}
	return text->len > 0;
}

static void map_spaces(struct text *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (uc_is_general_category_withtable(text->points[i], UC_CATEGORY_MASK_Zs))
			text->points[i] = ' ';
	}
}

static void wipe(struct text *text)
{
	if (text->points)
		OPENSSL_cleanse(text->points, text->len * sizeof(*text->points));
	free(text->points);
}

static int encode(const struct text *text, char **ret)
{
	size_t len;
	uint8_t *bytes = u32_to_u8(text->points, text->len, NULL, &len);
	char *result;

	if (!bytes)
		return -ENOMEM;
	result = malloc(len + 1);
	if (result) {
		memcpy(result, bytes, len);
		result[len] = '\0';
		*ret = result;
	}
	OPENSSL_cleanse(bytes, len);
	free(bytes);
	return result ? 0 : -ENOMEM;
}

/**
 * The order of RFC 8264 section 7: the check comes last, so that characters which have been mapped
 * or composed away do not count.
 */
static int enforce(struct text *text, char **ret)
{
	struct text composed = { 0 };
	int err;

	map_spaces(text);
	composed.points = u32_normalize(UNINORM_NFC, text->points, text->len, NULL, &composed.len);
	if (!composed.points)
		return -ENOMEM;
	err = is_allowed(&composed) ? encode(&composed, ret) : -EINVAL;
	wipe(&composed);
	return err;
}

int stun_opaque_string(const char *text, char **ret)
{
	const size_t len = strlen(text);
	struct text points = { 0 };
	int err;

	if (len == 0 || !stun_is_utf8(text, len))
		return -EINVAL;
	points.points = u8_to_u32((const uint8_t *)text, len, NULL, &points.len);
	if (!points.points)
		return -ENOMEM;
	err = enforce(&points, ret);
	wipe(&points);
	return err;
}

bool stun_is_utf8(const void *text, size_t len)
{
	return !u8_check(text, len) && !memchr(text, '\0', len);
}

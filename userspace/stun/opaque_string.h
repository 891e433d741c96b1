/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file opaque_string.h
 * The OpaqueString profile (RFC 8265 section 4.2), which STUN applies to usernames, realms and
 * passwords before it uses them (RFC 8489 sections 9.2.2, 14.3, 14.4 and 14.9).
 */
#ifndef TURNPIKE_STUN_OPAQUE_STRING_H
#define TURNPIKE_STUN_OPAQUE_STRING_H

#include <stdbool.h>
#include <stddef.h>

/**
 * stun_opaque_string() - enforce OpaqueString
 * @text: as the user entered it
 * @ret:  the result, UTF-8; the caller frees it, and wipes it first if @text is a secret
 *
 * Maps all spaces to U+0020 and normalizes to NFC. Case and width stay as they are.
 *
 * Return: 0; -ENOMEM; -EINVAL if @text is empty, is not UTF-8, or has characters that the profile
 * disallows (control characters, unassigned and invisible ones).
 */
int stun_opaque_string(const char *text, char **ret);

/** stun_is_utf8() - whether @len bytes are well-formed UTF-8 without a NUL */
bool stun_is_utf8(const void *text, size_t len);

#endif /* TURNPIKE_STUN_OPAQUE_STRING_H */

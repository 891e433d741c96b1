/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file opaque_string.h
 * The OpaqueString profile (RFC 8265 section 4.2), which usernames, realms and passwords of STUN
 * have gone through before anything is made of them (RFC 8489 sections 9.2.2, 14.3, 14.4 and 14.9).
 */
#ifndef TURNPIKE_STUN_OPAQUE_STRING_H
#define TURNPIKE_STUN_OPAQUE_STRING_H

#include <stdbool.h>
#include <stddef.h>

/**
 * stun_opaque_string() - enforce OpaqueString
 * @text: as somebody has written it
 * @ret:  the result, UTF-8; to be wiped if @text was a secret, and freed
 *
 * Spaces become U+0020, and the whole is normalized (NFC). Nothing is done about case or width.
 *
 * Return: 0, -EINVAL if @text is empty, no UTF-8, or has characters that the profile does not allow
 * (control characters, unassigned and invisible ones...), -ENOMEM.
 */
int stun_opaque_string(const char *text, char **ret);

/** stun_is_utf8() - whether @len bytes are well-formed UTF-8 without a NUL */
bool stun_is_utf8(const void *text, size_t len);

#endif /* TURNPIKE_STUN_OPAQUE_STRING_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file attrs.h
 * Attributes that several methods read.
 */
#ifndef TURNPIKE_TURN_METHODS_ATTRS_H
#define TURNPIKE_TURN_METHODS_ATTRS_H

#include "stun/message.h"
#include "turn/outcome.h"
#include "turn/state/server.h"

/** turn_unknown_attrs() - stun_unknown_attrs() with the attributes that this server knows */
size_t turn_unknown_attrs(const struct stun_message *msg, uint16_t *unknown, size_t max);

/**
 * turn_find_family() - read REQUESTED-ADDRESS-FAMILY or ADDITIONAL-ADDRESS-FAMILY
 * @family: the value in the attribute, any number
 *
 * Return: 0, -EINVAL if it has a wrong length, or -ENOENT.
 */
int turn_find_family(const struct stun_message *msg, enum stun_attr_type type, uint32_t *family);

/** turn_family_of() - convert a value of turn_find_family() to enum turnpike_family; 0: invalid */
unsigned int turn_family_of(uint32_t family);

/**
 * turn_find_lifetime() - compute the lifetime that a request gets (RFC 8656 sections 7.2, 8.2)
 * @lifetime: the result in seconds, never 0
 * @is_zero:  whether LIFETIME is present and 0
 *
 * Return: 0, or TURN_REASON_BAD_REQUEST.
 */
enum turn_reason turn_find_lifetime(const struct stun_message *msg,
				    const struct turn_limits *limits, uint32_t *lifetime,
				    bool *is_zero);

#endif /* TURNPIKE_TURN_METHODS_ATTRS_H */

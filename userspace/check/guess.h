/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CHECK_GUESS_H
#define TURNPIKE_CHECK_GUESS_H

#include <stddef.h>
#include <stdint.h>

/** check_guess() - what sends @len bytes that are not TURN, as in "an HTTP server answers" */
const char *check_guess(const uint8_t *data, size_t len);

#endif /* TURNPIKE_CHECK_GUESS_H */

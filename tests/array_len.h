/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_TESTS_ARRAY_LEN_H
#define TURNPIKE_TESTS_ARRAY_LEN_H

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif /* TURNPIKE_TESTS_ARRAY_LEN_H */

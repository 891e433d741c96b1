/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_PRIVATE_ARRAY_LEN_H
#define TURNPIKE_PRIVATE_ARRAY_LEN_H

/** ARRAY_LEN() - number of elements of an array, not of a pointer */
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif /* TURNPIKE_PRIVATE_ARRAY_LEN_H */

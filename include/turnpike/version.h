/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file version.h
 * Version of the headers. The build takes the project's version from here.
 */
#ifndef TURNPIKE_VERSION_H
#define TURNPIKE_VERSION_H

#define TURNPIKE_VERSION       "0.1.0"
#define TURNPIKE_VERSION_MAJOR 0
#define TURNPIKE_VERSION_MINOR 1
#define TURNPIKE_VERSION_PATCH 0

/** A version as a number that can be compared. */
#define TURNPIKE_MAKE_VERSION(major, minor, patch) ((major) << 16 | (minor) << 8 | (patch))

/** The same for the headers; turnpike_version() returns the number of the library. */
#define TURNPIKE_VERSION_NUM                                                  \
	TURNPIKE_MAKE_VERSION(TURNPIKE_VERSION_MAJOR, TURNPIKE_VERSION_MINOR, \
			      TURNPIKE_VERSION_PATCH)

#endif /* TURNPIKE_VERSION_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/credentials.h"

#include <stdio.h>
#include <time.h>

/** Smaller numbers are names of users, not times. */
#define EARLIEST 1000000000u

int check_credentials_make(const struct check_options *options, uint32_t seconds,
			   struct check_credentials *credentials)
{
	credentials->user = options->user;
	credentials->password = options->password;
	if (!options->secret)
		return 0;
	snprintf(credentials->rest_user, sizeof(credentials->rest_user), "%llu:%s",
		 (unsigned long long)time(NULL) + seconds, options->user ? options->user : "check");
	credentials->user = credentials->rest_user;
	credentials->password = credentials->rest_password;
	return turn_rest_password(options->secret, credentials->user, credentials->rest_password);
}

uint64_t check_credentials_age(const char *user)
{
	const uint64_t now = (uint64_t)time(NULL);
	const char *name;
	uint64_t expiry;

	if (!turn_rest_parse(user, &expiry, &name) || expiry < EARLIEST || expiry > now)
		return 0;
	return now - expiry + 1;
}

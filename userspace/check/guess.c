/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/guess.h"

#include <string.h>

#include "private/array_len.h"

static const struct {
	const char *prefix;
	const char *name;
} guesses[] = {
	{ "HTTP/", "an HTTP server" },   { "<", "an HTTP server" },
	{ "SSH-", "an SSH server" },     { "220", "a mail or FTP server" },
	{ "\x15\x03", "a TLS server" },  { "\x16\x03", "a TLS server" },
	{ "\x15\xfe", "a DTLS server" }, { "\x16\xfe", "a DTLS server" },
};

const char *check_guess(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(guesses); i++) {
		const size_t prefix = strlen(guesses[i].prefix);

		if (len >= prefix && memcmp(data, guesses[i].prefix, prefix) == 0)
			return guesses[i].name;
	}
	return "something other than a TURN server";
}

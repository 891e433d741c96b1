/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "turn/auth/rest.h"

/** Any number of this many digits fits 64 bits. */
#define DIGITS_MAX 19

bool turn_rest_parse(const char *username, uint64_t *expiry, const char **name)
{
	size_t digits = strspn(username, "0123456789");
	const char *rest = username + digits;
	uint64_t seconds = 0;

	if (digits == 0 || digits > DIGITS_MAX || (*rest != '\0' && *rest != ':'))
		return false;
	for (size_t i = 0; i < digits; i++)
		seconds = seconds * 10 + (uint64_t)(username[i] - '0');
	*expiry = seconds;
	*name = rest[0] == ':' && rest[1] != '\0' ? rest + 1 : username;
	return true;
}

int turn_rest_password(const char *secret, const char *username,
		       char password[static TURN_REST_PASSWORD_SIZE])
{
	const size_t len = strlen(secret);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned int mac_len;

	_Static_assert(TURN_REST_PASSWORD_SIZE == 20 / 3 * 4 + 4 + 1, "base64 of SHA-1's 20 bytes");
	if (len > INT_MAX || !HMAC(EVP_sha1(), secret, (int)len, (const uint8_t *)username,
				   strlen(username), mac, &mac_len))
		return -EIO;
	EVP_EncodeBlock((uint8_t *)password, mac, (int)mac_len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

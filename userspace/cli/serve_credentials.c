/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "cli/serve_credentials.h"
#include "say.h"

/**
 * As coturn writes keys: "0x" and 32 or 64 hexadecimal digits; anything else is a password.
 *
 * Return: the length in bytes, or 0.
 */
static size_t parse_key(const char *text, uint8_t key[static STUN_KEY_LEN_MAX])
{
	const size_t digits = strlen(text) < 2 ? 0 : strlen(text) - 2;
	size_t len;

	if (strncmp(text, "0x", 2) != 0 || (digits != 32 && digits != 64) ||
	    strspn(text + 2, "0123456789abcdefABCDEF") != digits ||
	    !OPENSSL_hexstr2buf_ex(key, STUN_KEY_LEN_MAX, &len, text + 2, '\0'))
		return 0;
	return len;
}

static int add_user(struct turn_credentials *credentials, const struct serve_user *user)
{
	uint8_t key[STUN_KEY_LEN_MAX];
	size_t len = parse_key(user->password, key);
	int err;

	if (len)
		err = turn_credentials_add_key(credentials, user->name, key, len);
	else
		err = turn_credentials_add_password(credentials, user->name, user->password);
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

static const char *reason(int err)
{
	switch (err) {
	case -EEXIST:
		return "it is given twice, once is enough";
	case -EINVAL:
		return "name and password must be UTF-8 without control characters, the name of at most "
		       "508 bytes";
	}
	return strerror(-err);
}

static int fill(const struct serve_config *config, struct turn_credentials *credentials)
{
	int err = 0;

	for (size_t i = 0; i < config->n_users && !err; i++) {
		err = add_user(credentials, &config->users[i]);
		if (err)
			say("--user %s cannot be added: %s", config->users[i].name, reason(err));
	}
	for (size_t i = 0; i < config->n_secrets && !err; i++) {
		err = turn_credentials_add_secret(credentials, config->secrets[i]);
		if (err)
			say("--auth-secret cannot be used: %s",
			    err == -EINVAL ? "it is empty" : strerror(-err));
	}
	return err;
}

int serve_credentials(const struct serve_config *config, struct turn_credentials **ret)
{
	struct turn_credentials *credentials;
	int err = turn_credentials_new(config->realm, &credentials);

	if (err) {
		say("--realm %s cannot be used: %s", config->realm,
		    err == -EINVAL
			    ? "it must be UTF-8 without control characters, of at most 127 bytes"
			    : strerror(-err));
		return err;
	}
	err = fill(config, credentials);
	if (err)
		turn_credentials_put(credentials);
	else
		*ret = credentials;
	return err;
}

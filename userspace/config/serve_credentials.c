/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/serve_credentials.h"
#include "config/serve_secrets.h"

static int seal(const struct turn_credentials *credentials, struct serve_user *user)
{
	uint8_t *keys = malloc(TURN_KEYS_LEN);
	int err;

	if (!keys)
		return -ENOMEM;
	err = turn_credentials_make_keys(credentials, user->name, user->password, keys);
	if (err)
		free(keys);
	else
		serve_user_seal(user, keys, TURN_KEYS_LEN);
	return err;
}

static int add_user(struct turn_credentials *credentials, struct serve_user *user)
{
	int err = user->key ? 0 : seal(credentials, user);

	if (err)
		return err;
	return turn_credentials_add_key(credentials, user->name, user->key, user->key_len);
}

static const char *reason(int err)
{
	switch (err) {
	case -EEXIST:
		return "it appears twice; remove one";
	case -EINVAL:
		return "name and password must be UTF-8 without control characters, and the name at "
		       "most 508 bytes long";
	}
	return strerror(-err);
}

static int fill(const struct serve_config *config, struct turn_credentials *credentials)
{
	int err = 0;

	for (size_t i = 0; i < config->n_users && !err; i++) {
		err = add_user(credentials, &config->users[i]);
		if (err)
			log_error("--user %s: cannot add the user: %s", config->users[i].name,
				  reason(err));
	}
	for (size_t i = 0; i < config->n_secrets && !err; i++) {
		err = turn_credentials_add_secret(credentials, config->secrets[i]);
		if (err)
			log_error("--auth-secret: cannot use the secret: %s",
				  err == -EINVAL ? "it is empty" : strerror(-err));
	}
	return err;
}

int serve_credentials(const struct serve_config *config, struct turn_credentials **ret)
{
	struct turn_credentials *credentials;
	int err = turn_credentials_new(config->realm, &credentials);

	if (err) {
		log_error(
			"--realm %s: cannot use the realm: %s", config->realm,
			err == -EINVAL
				? "it must be at most 127 bytes of UTF-8 without control characters"
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

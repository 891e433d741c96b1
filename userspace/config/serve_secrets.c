/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/lines.h"
#include "config/serve_secrets.h"
#include "config/serve_setters.h"
#include "private/array_len.h"
#include "stun/protocol.h"

/** Lengths of the keys of RFC 8489 section 9.2.2. */
#define MD5_LEN    16
#define SHA256_LEN 32

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void serve_user_seal(struct serve_user *user, uint8_t *keys, size_t len)
{
	wipe(user->password);
	user->password = NULL;
	user->key = keys;
	user->key_len = len;
}

static void free_user(struct serve_user *user)
{
	free(user->name);
	wipe(user->password);
	if (user->key)
		explicit_bzero(user->key, user->key_len);
	free(user->key);
}

void serve_users_free(struct serve_user *users, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_user(&users[i]);
	free(users);
}

void serve_secrets_free(char **secrets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wipe(secrets[i]);
	free(secrets);
}

int set_realm(void *target, char *value)
{
	char **realm = &((struct serve_config *)target)->realm;
	char *copy;

	if (*value == '\0' || strlen(value) > STUN_TEXT_MAX)
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*realm);
	*realm = copy;
	return 0;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return found ? (int)(found - digits) : -1;
}

static int parse_key(const char *text, struct serve_user *user)
{
	const size_t len = strlen(text) / 2;

	if (strlen(text) % 2 != 0 || (len != MD5_LEN && len != SHA256_LEN))
		return -EINVAL;
	user->key = malloc(len);
	if (!user->key)
		return -ENOMEM;
	user->key_len = len;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		user->key[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

/* The caller frees @user, also on error. */
static int parse_user(const char *value, struct serve_user *user)
{
	const size_t name_len = strcspn(value, ":");
	const char *secret = value + name_len + 1;

	if (name_len == 0 || name_len > STUN_USERNAME_MAX || value[name_len] == '\0')
		return -EINVAL;
	user->name = strndup(value, name_len);
	if (!user->name)
		return -ENOMEM;
	if (strncmp(secret, "0x", 2) == 0)
		return parse_key(secret + 2, user);
	user->password = strdup(secret);
	return user->password ? 0 : -ENOMEM;
}

/* There may be very many users: double the array when it is full. */
static int append_user(struct serve_config *config, const struct serve_user *user)
{
	const size_t n = config->n_users;
	struct serve_user *grown;

	if ((n & (n - 1)) == 0) {
		grown = reallocarray(config->users, n ? 2 * n : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		config->users = grown;
	}
	config->users[config->n_users++] = *user;
	return 0;
}

int set_user(void *target, char *value)
{
	struct serve_user user = { 0 };
	int err = parse_user(value, &user);

	if (!err)
		err = append_user(target, &user);
	if (err)
		free_user(&user);
	return err;
}

int set_auth_secret(void *target, char *value)
{
	struct serve_config *to = target;
	char *secret;
	int err;

	if (*value == '\0')
		return -EINVAL;
	secret = strdup(value);
	if (!secret)
		return -ENOMEM;
	err = SERVE_CONFIG_APPEND(to, secrets, &secret);
	if (err)
		wipe(secret);
	return err;
}

/* The error message must not contain the line. */
static enum cli_status report(const char *origin, int err, const char *expects)
{
	if (!err)
		return CLI_OK;
	if (err == -ENOMEM)
		return cli_no_memory();
	log_error("%sexpected %s", origin, expects);
	return CLI_USAGE;
}

static enum cli_status take_user(void *config, const char *origin, char *line)
{
	return report(origin, set_user(config, line), EXPECTS_USER);
}

static enum cli_status take_secret(void *config, const char *origin, char *line)
{
	return report(origin, set_auth_secret(config, line), EXPECTS_SECRET);
}

static int take_file(struct serve_config *config, const char *path, lines_taker *take)
{
	if (lines_each_of_file(path, take, config) != CLI_OK || lines_check_access(path) != CLI_OK)
		return -ECANCELED;
	return 0;
}

int set_users_file(void *target, char *path)
{
	return take_file(target, path, take_user);
}

int set_auth_secret_file(void *target, char *path)
{
	return take_file(target, path, take_secret);
}

static enum cli_status take_variable(struct serve_config *config, const char *name,
				     lines_taker *take)
{
	const char *value = getenv(name);
	enum cli_status status;
	char *copy;

	if (!value)
		return CLI_OK;
	copy = strdup(value);
	if (!copy)
		return cli_no_memory();
	status = lines_each(name, copy, strlen(copy), take, config);
	wipe(copy);
	return status;
}

/* Root can read the environment of a process in /proc. */
static void wipe_variable(const char *name)
{
	char *value = getenv(name);

	if (value)
		explicit_bzero(value, strlen(value));
	unsetenv(name);
}

enum cli_status serve_secrets_from_environment(struct serve_config *config)
{
	static const struct {
		const char *name;
		lines_taker *take;
	} variables[] = { { "TURNPIKE_USER", take_user }, { "TURNPIKE_AUTH_SECRET", take_secret } };
	enum cli_status status = CLI_OK;

	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		if (status == CLI_OK)
			status = take_variable(config, variables[i].name, variables[i].take);
		wipe_variable(variables[i].name);
	}
	return status;
}

void serve_secrets_mark_given(void *config)
{
	struct serve_config *marked = config;

	marked->n_given_users = marked->n_users;
	marked->n_given_secrets = marked->n_secrets;
}

static int copy_user(const struct serve_user *from, struct serve_user *ret)
{
	*ret = (struct serve_user){ .name = strdup(from->name), .key_len = from->key_len };
	if (from->password)
		ret->password = strdup(from->password);
	if (from->key)
		ret->key = malloc(from->key_len);
	if (!ret->name || !ret->password != !from->password || !ret->key != !from->key)
		return -ENOMEM;
	if (ret->key)
		memcpy(ret->key, from->key, from->key_len);
	return 0;
}

static int append_copy(struct serve_config *config, const struct serve_user *user)
{
	struct serve_user copy;
	int err = copy_user(user, &copy);

	if (!err)
		err = append_user(config, &copy);
	if (err)
		free_user(&copy);
	return err;
}

int serve_secrets_copy_given(const struct serve_config *from, struct serve_config *to)
{
	int err = 0;

	for (size_t i = 0; i < from->n_given_users && !err; i++)
		err = append_copy(to, &from->users[i]);
	for (size_t i = 0; i < from->n_given_secrets && !err; i++)
		err = set_auth_secret(to, from->secrets[i]);
	return err;
}

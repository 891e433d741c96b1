/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "private/hash.h"
#include "stun/opaque_string.h"
#include "turn/auth/credentials.h"
#include "turn/auth/rest.h"

#define ALGORITHMS 2

/** Bytes of the keys, in the order of algorithms[]. */
#define MD5_LEN    16
#define SHA256_LEN 32

_Static_assert(TURN_KEYS_LEN == MD5_LEN + SHA256_LEN, "both keys");

static const enum stun_password_algorithm algorithms[ALGORITHMS] = {
	STUN_PASSWORD_MD5,
	STUN_PASSWORD_SHA256,
};

/** struct user - a user; @keys: by index in algorithms[]; length 0: none */
struct user {
	UT_hash_handle hh_name;
	UT_hash_handle hh_hash;
	uint8_t hash[STUN_USERHASH_LEN];
	struct stun_key keys[ALGORITHMS];
	char name[];
};

/** struct turn_credentials - @n_keys: number of keys, by index in algorithms[] */
struct turn_credentials {
	atomic_uint references;
	char *realm;
	struct user *by_name;
	struct user *by_hash;
	size_t n_keys[ALGORITHMS];
	char **secrets;
	size_t n_secrets;
};

static void wipe_string(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

static size_t index_of(enum stun_password_algorithm algorithm)
{
	return algorithm == STUN_PASSWORD_MD5 ? 0 : 1;
}

int turn_credentials_new(const char *realm, struct turn_credentials **ret)
{
	struct turn_credentials *result = calloc(1, sizeof(*result));
	int err;

	if (!result)
		return -ENOMEM;
	err = stun_opaque_string(realm, &result->realm);
	if (!err && strlen(result->realm) > STUN_TEXT_MAX) {
		free(result->realm);
		err = -EINVAL;
	}
	if (err) {
		free(result);
		return err;
	}
	atomic_init(&result->references, 1);
	*ret = result;
	return 0;
}

struct turn_credentials *turn_credentials_get(struct turn_credentials *credentials)
{
	atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
	return credentials;
}

static void free_user(struct user *user)
{
	OPENSSL_cleanse(user->keys, sizeof(user->keys));
	free(user);
}

void turn_credentials_put(struct turn_credentials *credentials)
{
	struct user *user, *next;

	if (!credentials || atomic_fetch_sub(&credentials->references, 1) > 1)
		return;
	HASH_CLEAR(hh_hash, credentials->by_hash);
	HASH_ITER(hh_name, credentials->by_name, user, next) {
		HASH_DELETE(hh_name, credentials->by_name, user);
		free_user(user);
	}
	for (size_t i = 0; i < credentials->n_secrets; i++)
		wipe_string(credentials->secrets[i]);
	free(credentials->secrets);
	free(credentials->realm);
	free(credentials);
}

static struct user *find_user(const struct turn_credentials *credentials, const char *name)
{
	struct user *user;

	HASH_FIND(hh_name, credentials->by_name, name, strlen(name), user);
	return user;
}

static int link_user(struct turn_credentials *credentials, struct user *user)
{
	HASH_ADD_KEYPTR(hh_name, credentials->by_name, user->name, strlen(user->name), user);
	if (!user->hh_name.tbl)
		return -ENOMEM;
	HASH_ADD(hh_hash, credentials->by_hash, hash, sizeof(user->hash), user);
	if (user->hh_hash.tbl)
		return 0;
	HASH_DELETE(hh_name, credentials->by_name, user);
	return -ENOMEM;
}

static int new_user(struct turn_credentials *credentials, const char *name, struct user **ret)
{
	const size_t len = strlen(name);
	struct user *user = calloc(1, sizeof(*user) + len + 1);
	int err;

	if (!user)
		return -ENOMEM;
	memcpy(user->name, name, len + 1);
	err = stun_userhash(name, credentials->realm, user->hash);
	if (!err)
		err = link_user(credentials, user);
	if (err)
		free(user);
	else
		*ret = user;
	return err;
}

static void set_key(struct turn_credentials *credentials, struct user *user,
		    enum stun_password_algorithm algorithm, const struct stun_key *key)
{
	user->keys[index_of(algorithm)] = *key;
	credentials->n_keys[index_of(algorithm)]++;
}

static int prepare_name(const char *username, char **name)
{
	int err = stun_opaque_string(username, name);

	if (err || strlen(*name) <= STUN_USERNAME_MAX)
		return err;
	free(*name);
	return -EINVAL;
}

static int make_keys(const struct turn_credentials *credentials, const char *name,
		     const char *password, struct stun_key keys[static ALGORITHMS])
{
	int err = 0;

	for (size_t i = 0; i < ALGORITHMS && !err; i++)
		err = stun_long_term_key(algorithms[i], name, credentials->realm, password,
					 &keys[i]);
	return err;
}

int turn_credentials_make_keys(const struct turn_credentials *credentials, const char *username,
			       const char *password, uint8_t ret[static TURN_KEYS_LEN])
{
	struct stun_key keys[ALGORITHMS];
	char *prepared, *name;
	int err = prepare_name(username, &name);

	if (err)
		return err;
	err = stun_opaque_string(password, &prepared);
	if (!err) {
		err = make_keys(credentials, name, prepared, keys);
		wipe_string(prepared);
	}
	free(name);
	for (size_t i = 0; i < ALGORITHMS && !err; i++) {
		memcpy(ret, keys[i].bytes, keys[i].len);
		ret += keys[i].len;
	}
	OPENSSL_cleanse(keys, sizeof(keys));
	return err;
}

int turn_credentials_add_password(struct turn_credentials *credentials, const char *username,
				  const char *password)
{
	uint8_t keys[TURN_KEYS_LEN];
	int err = turn_credentials_make_keys(credentials, username, password, keys);

	if (!err)
		err = turn_credentials_add_key(credentials, username, keys, sizeof(keys));
	OPENSSL_cleanse(keys, sizeof(keys));
	return err;
}

/* Adds all keys or none. */
static int add_keys(struct turn_credentials *credentials, const char *name,
		    const struct stun_key keys[static ALGORITHMS])
{
	struct user *user = find_user(credentials, name);
	int err;

	for (size_t i = 0; i < ALGORITHMS && user; i++) {
		if (keys[i].len && user->keys[i].len)
			return -EEXIST;
	}
	err = user ? 0 : new_user(credentials, name, &user);
	for (size_t i = 0; i < ALGORITHMS && !err; i++) {
		if (keys[i].len)
			set_key(credentials, user, algorithms[i], &keys[i]);
	}
	return err;
}

static void read_key(struct stun_key *key, const uint8_t *bytes, size_t len)
{
	key->len = len;
	memcpy(key->bytes, bytes, len);
}

int turn_credentials_add_key(struct turn_credentials *credentials, const char *username,
			     const uint8_t *key, size_t len)
{
	struct stun_key keys[ALGORITHMS] = { 0 };
	char *name;
	int err;

	if (len != MD5_LEN && len != SHA256_LEN && len != TURN_KEYS_LEN)
		return -EINVAL;
	err = prepare_name(username, &name);
	if (err)
		return err;
	if (len != SHA256_LEN)
		read_key(&keys[0], key, MD5_LEN);
	if (len != MD5_LEN)
		read_key(&keys[1], key + len - SHA256_LEN, SHA256_LEN);
	err = add_keys(credentials, name, keys);
	OPENSSL_cleanse(keys, sizeof(keys));
	free(name);
	return err;
}

int turn_credentials_add_secret(struct turn_credentials *credentials, const char *secret)
{
	char **grown;

	if (secret[0] == '\0')
		return -EINVAL;
	grown = realloc(credentials->secrets, (credentials->n_secrets + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	credentials->secrets = grown;
	grown[credentials->n_secrets] = strdup(secret);
	if (!grown[credentials->n_secrets])
		return -ENOMEM;
	credentials->n_secrets++;
	return 0;
}

int turn_credentials_is_empty(const struct turn_credentials *credentials)
{
	return !credentials->by_name && credentials->n_secrets == 0;
}

bool turn_credentials_has_user(const struct turn_credentials *credentials, const char *username)
{
	return find_user(credentials, username);
}

const char *turn_credentials_find_hash(const struct turn_credentials *credentials,
				       const uint8_t userhash[static STUN_USERHASH_LEN])
{
	struct user *user;

	HASH_FIND(hh_hash, credentials->by_hash, userhash, STUN_USERHASH_LEN, user);
	return user ? user->name : NULL;
}

static int rest_key(const struct turn_credentials *credentials, const char *username,
		    enum stun_password_algorithm algorithm, size_t nth, struct stun_key *key)
{
	char password[TURN_REST_PASSWORD_SIZE];
	const char *name;
	uint64_t expiry;
	int err;

	if (nth >= credentials->n_secrets || !turn_rest_parse(username, &expiry, &name))
		return -ENOENT;
	err = turn_rest_password(credentials->secrets[nth], username, password);
	if (!err)
		err = stun_long_term_key(algorithm, username, credentials->realm, password, key);
	OPENSSL_cleanse(password, sizeof(password));
	return err;
}

int turn_credentials_key(const struct turn_credentials *credentials, const char *username,
			 enum stun_password_algorithm algorithm, size_t nth, struct stun_key *key)
{
	const struct user *user = find_user(credentials, username);

	if (!user)
		return rest_key(credentials, username, algorithm, nth, key);
	if (nth > 0 || !user->keys[index_of(algorithm)].len)
		return -ENOENT;
	*key = user->keys[index_of(algorithm)];
	return 0;
}

bool turn_credentials_has_key(const struct turn_credentials *credentials, const char *username,
			      enum stun_password_algorithm algorithm, const struct stun_key *key)
{
	struct stun_key candidate;
	bool found = false;

	for (size_t i = 0; !found; i++) {
		if (turn_credentials_key(credentials, username, algorithm, i, &candidate))
			break;
		found = candidate.len == key->len &&
			CRYPTO_memcmp(candidate.bytes, key->bytes, key->len) == 0;
	}
	OPENSSL_cleanse(&candidate, sizeof(candidate));
	return found;
}

uint64_t turn_credentials_secret_id(const struct turn_credentials *credentials, size_t nth,
				    const uint8_t hash_key[static SIPHASH_KEY_LEN])
{
	const char *secret;

	if (nth >= credentials->n_secrets)
		return 0;
	secret = credentials->secrets[nth];
	return siphash(hash_key, secret, strlen(secret)) | 1;
}

bool turn_credentials_prefer_sha256(const struct turn_credentials *credentials)
{
	const size_t n = HASH_CNT(hh_name, credentials->by_name);

	return credentials->n_keys[index_of(STUN_PASSWORD_SHA256)] == n ||
	       credentials->n_keys[index_of(STUN_PASSWORD_MD5)] < n;
}

bool turn_credentials_prefer_userhash(const struct turn_credentials *credentials)
{
	return credentials->n_secrets == 0;
}

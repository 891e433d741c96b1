/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "stun/integrity.h"

/** struct kind - MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 */
struct kind {
	char digest[8];
	enum stun_attr_type attr;
	size_t len;
};

static const struct kind kinds[] = {
	[STUN_INTEGRITY_SHA1] = { "SHA1", STUN_ATTR_MESSAGE_INTEGRITY, STUN_INTEGRITY_LEN },
	[STUN_INTEGRITY_SHA256] = { "SHA256", STUN_ATTR_MESSAGE_INTEGRITY_SHA256,
				    STUN_INTEGRITY_SHA256_LEN },
};

struct stun_hmac {
	const struct kind *kind;
	EVP_MAC_CTX *ctx;
};

/** Digests @n texts joined by colons. */
static int digest_with(EVP_MD_CTX *ctx, const EVP_MD *md, const char *const *texts, size_t n,
		       uint8_t *result)
{
	if (!EVP_DigestInit_ex(ctx, md, NULL))
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && !EVP_DigestUpdate(ctx, ":", 1))
			return -EIO;
		if (!EVP_DigestUpdate(ctx, texts[i], strlen(texts[i])))
			return -EIO;
	}
	return EVP_DigestFinal_ex(ctx, result, NULL) ? 0 : -EIO;
}

static int digest(const EVP_MD *md, const char *const *texts, size_t n, uint8_t *to, size_t len)
{
	uint8_t result[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int err;

	if (!ctx)
		return -ENOMEM;
	err = digest_with(ctx, md, texts, n, result);
	EVP_MD_CTX_free(ctx);
	if (!err)
		memcpy(to, result, len);
	OPENSSL_cleanse(result, sizeof(result));
	return err;
}

int stun_long_term_key(enum stun_password_algorithm algorithm, const char *username,
		       const char *realm, const char *password, struct stun_key *key)
{
	const EVP_MD *md = algorithm == STUN_PASSWORD_MD5 ? EVP_md5() : EVP_sha256();
	const char *const texts[] = { username, realm, password };
	struct stun_key result = { .len = (size_t)EVP_MD_get_size(md) };
	int err = digest(md, texts, 3, result.bytes, result.len);

	if (!err)
		*key = result;
	OPENSSL_cleanse(&result, sizeof(result));
	return err;
}

int stun_userhash(const char *username, const char *realm, uint8_t hash[static STUN_USERHASH_LEN])
{
	const char *const texts[] = { username, realm };

	return digest(EVP_sha256(), texts, 2, hash, STUN_USERHASH_LEN);
}

static EVP_MAC_CTX *new_context(const struct kind *kind, const void *key, size_t len)
{
	struct kind copy = *kind; /* OSSL_PARAM takes no const pointers */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, copy.digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (ctx && EVP_MAC_init(ctx, key, len, params))
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

struct stun_hmac *stun_hmac_new(enum stun_integrity kind, const void *key, size_t len)
{
	struct stun_hmac *hmac = malloc(sizeof(*hmac));

	if (!hmac)
		return NULL;
	hmac->kind = &kinds[kind];
	hmac->ctx = new_context(hmac->kind, key, len);
	if (!hmac->ctx) {
		free(hmac);
		return NULL;
	}
	return hmac;
}

void stun_hmac_free(struct stun_hmac *hmac)
{
	if (!hmac)
		return;
	EVP_MAC_CTX_free(hmac->ctx);
	free(hmac);
}

enum stun_attr_type stun_hmac_attr(const struct stun_hmac *hmac)
{
	return hmac->kind->attr;
}

size_t stun_hmac_len(const struct stun_hmac *hmac)
{
	return hmac->kind->len;
}

int stun_hmac_message(struct stun_hmac *hmac, const uint8_t *message, size_t integrity,
		      uint8_t value[static STUN_INTEGRITY_LEN_MAX])
{
	size_t counted = integrity + STUN_ATTR_HEADER_LEN + hmac->kind->len - STUN_HEADER_LEN;
	/* RFC 8489 section 14.5: hash the length up to the end of this attribute. */
	const uint8_t start[4] = { message[0], message[1], (uint8_t)(counted >> 8),
				   (uint8_t)counted };
	size_t len;

	/* EVP_MAC_init() without a key restarts with the current one. */
	if (EVP_MAC_init(hmac->ctx, NULL, 0, NULL) &&
	    EVP_MAC_update(hmac->ctx, start, sizeof(start)) &&
	    EVP_MAC_update(hmac->ctx, message + sizeof(start), integrity - sizeof(start)) &&
	    EVP_MAC_final(hmac->ctx, value, &len, STUN_INTEGRITY_LEN_MAX))
		return 0;
	return -EIO;
}

int stun_check_integrity(const struct stun_message *msg, struct stun_hmac *hmac)
{
	size_t offset = hmac->kind->attr == STUN_ATTR_MESSAGE_INTEGRITY ? msg->integrity
									: msg->integrity_sha256;
	const uint8_t *attr = msg->data + offset;
	uint8_t value[STUN_INTEGRITY_LEN_MAX];

	if (offset == 0)
		return -ENOENT;
	if ((size_t)(attr[2] << 8 | attr[3]) != hmac->kind->len)
		return -EBADMSG;
	if (stun_hmac_message(hmac, msg->data, offset, value))
		return -EIO;
	return CRYPTO_memcmp(value, attr + STUN_ATTR_HEADER_LEN, hmac->kind->len) == 0 ? 0
										       : -EBADMSG;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "stun/integrity.h"

/** RFC 8489 section 14.7 */
#define FINGERPRINT_XOR 0x5354554eu

struct stun_hmac {
	EVP_MAC_CTX *ctx;
};

static int md5_credentials(EVP_MD_CTX *md, const char *username, const char *realm,
			   const char *password, uint8_t *key)
{
	if (EVP_DigestInit_ex(md, EVP_md5(), NULL) &&
	    EVP_DigestUpdate(md, username, strlen(username)) && EVP_DigestUpdate(md, ":", 1) &&
	    EVP_DigestUpdate(md, realm, strlen(realm)) && EVP_DigestUpdate(md, ":", 1) &&
	    EVP_DigestUpdate(md, password, strlen(password)) && EVP_DigestFinal_ex(md, key, NULL))
		return 0;
	return -EIO;
}

int stun_long_term_key(const char *username, const char *realm, const char *password,
		       uint8_t key[static STUN_LONG_TERM_KEY_LEN])
{
	uint8_t result[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int err;

	if (!md)
		return -ENOMEM;
	err = md5_credentials(md, username, realm, password, result);
	EVP_MD_CTX_free(md);
	if (!err)
		memcpy(key, result, STUN_LONG_TERM_KEY_LEN);
	OPENSSL_cleanse(result, sizeof(result));
	return err;
}

static EVP_MAC_CTX *new_context(const void *key, size_t len)
{
	char digest[] = "SHA1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
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

struct stun_hmac *stun_hmac_new(const void *key, size_t len)
{
	struct stun_hmac *hmac = malloc(sizeof(*hmac));

	if (!hmac)
		return NULL;
	hmac->ctx = new_context(key, len);
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

int stun_hmac_message(struct stun_hmac *hmac, const uint8_t *message, size_t integrity,
		      uint8_t value[static STUN_INTEGRITY_LEN])
{
	size_t counted = integrity + STUN_ATTR_HEADER_LEN + STUN_INTEGRITY_LEN - STUN_HEADER_LEN;
	/* RFC 8489 section 14.5: as if the message ended with this attribute. */
	const uint8_t start[4] = { message[0], message[1], (uint8_t)(counted >> 8),
				   (uint8_t)counted };
	size_t len;

	/* Without a key, EVP_MAC_init() begins anew with the one it has. */
	if (EVP_MAC_init(hmac->ctx, NULL, 0, NULL) &&
	    EVP_MAC_update(hmac->ctx, start, sizeof(start)) &&
	    EVP_MAC_update(hmac->ctx, message + sizeof(start), integrity - sizeof(start)) &&
	    EVP_MAC_final(hmac->ctx, value, &len, STUN_INTEGRITY_LEN))
		return 0;
	return -EIO;
}

int stun_check_integrity(const struct stun_message *msg, struct stun_hmac *hmac)
{
	uint8_t value[STUN_INTEGRITY_LEN];
	const uint8_t *received = msg->data + msg->integrity + STUN_ATTR_HEADER_LEN;

	if (msg->integrity == 0)
		return -ENOENT;
	if (stun_hmac_message(hmac, msg->data, msg->integrity, value))
		return -EIO;
	return CRYPTO_memcmp(value, received, sizeof(value)) == 0 ? 0 : -EBADMSG;
}

uint32_t stun_fingerprint(const uint8_t *message, size_t len)
{
	return (uint32_t)crc32_z(0, message, len) ^ FINGERPRINT_XOR;
}

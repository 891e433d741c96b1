/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* DTLS handshakes that wait for the client hold little memory, and go on when it answers. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/handshake_memory.h"

#define PEERS          64
#define WHILE_IT_WAITS 24000 /* bytes; OpenSSL 3.0 has some 22,000 besides the message */

struct peer {
	SSL *client;
	SSL *server;
	struct handshake_memory memory;
};

struct contexts {
	SSL_CTX *client;
	SSL_CTX *server;
};

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static struct contexts contexts_new(void)
{
	struct contexts contexts = { SSL_CTX_new(DTLS_client_method()),
				     SSL_CTX_new(DTLS_server_method()) };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = self_signed(key);

	assert_int_equal(SSL_CTX_use_certificate(contexts.server, certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(contexts.server, key), 1);
	SSL_CTX_set_options(contexts.server, SSL_OP_NO_QUERY_MTU);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return contexts;
}

static void contexts_free(struct contexts contexts)
{
	SSL_CTX_free(contexts.client);
	SSL_CTX_free(contexts.server);
}

/* What one end writes, the other one reads; an empty BIO means that more is to come. */
static struct peer peer_new(struct contexts contexts)
{
	struct peer peer = { SSL_new(contexts.client), SSL_new(contexts.server), { 0 } };
	BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());

	BIO_set_mem_eof_return(up, -1);
	BIO_set_mem_eof_return(down, -1);
	BIO_up_ref(up);
	BIO_up_ref(down);
	SSL_set_bio(peer.client, down, up);
	SSL_set_bio(peer.server, up, down);
	SSL_set_mtu(peer.server, 16000); /* the flight is one datagram, for BIOs have no borders */
	SSL_set_connect_state(peer.client);
	SSL_set_accept_state(peer.server);
	return peer;
}

static void peer_free(struct peer *peer)
{
	SSL_free(peer->client);
	SSL_free(peer->server);
}

static void server_step(struct peer *peer)
{
	assert_int_equal(SSL_alloc_buffers(peer->server), 1);
	handshake_memory_begin(&peer->memory);
	SSL_do_handshake(peer->server);
	handshake_memory_end();
	SSL_free_buffers(peer->server);
}

static struct peer half_open(struct contexts contexts)
{
	struct peer peer = peer_new(contexts);

	SSL_do_handshake(peer.client);
	server_step(&peer);
	return peer;
}

static size_t resident_pages(const struct handshake_memory *memory)
{
	unsigned char pages[64];
	const size_t n = memory->len / (size_t)sysconf(_SC_PAGESIZE);
	size_t resident = 0;

	assert_in_range(n, 1, sizeof(pages));
	assert_int_equal(mincore(memory->message, memory->len, pages), 0);
	for (size_t i = 0; i < n; i++)
		resident += pages[i] & 1;
	return resident;
}

static void message_takes_no_memory(void **state)
{
	struct contexts contexts = contexts_new();
	struct peer peer = half_open(contexts);

	(void)state;
	assert_non_null(peer.memory.message);
	assert_true(peer.memory.len >= SSL3_RT_MAX_PLAIN_LENGTH);
	assert_int_equal(resident_pages(&peer.memory), 0);
	peer_free(&peer);
	contexts_free(contexts);
}

static void handshake_goes_on(void **state)
{
	struct contexts contexts = contexts_new();
	struct peer peer = half_open(contexts);
	char text[8] = "";

	(void)state;
	for (int i = 0; i < 4 && !SSL_is_init_finished(peer.client); i++) {
		SSL_do_handshake(peer.client);
		server_step(&peer);
	}
	assert_true(SSL_is_init_finished(peer.client) && SSL_is_init_finished(peer.server));
	assert_int_equal(SSL_write(peer.client, "hello", 5), 5);
	assert_int_equal(SSL_read(peer.server, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	peer_free(&peer);
	contexts_free(contexts);
}

/* Of the C library; 0 with a sanitizer's malloc(). */
static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void half_open_peers_are_small(void **state)
{
	struct contexts contexts = contexts_new();
	struct peer peers[PEERS];
	size_t before, all, given_back = 0;

	(void)state;
	for (int i = 0; i < PEERS; i++)
		peers[i] = half_open(contexts);
	before = allocated();
	for (int i = 0; i < PEERS; i++) {
		given_back += peers[i].memory.len;
		SSL_free(peers[i].server);
	}
	all = before - allocated();
	if (before > 0) {
		print_message("%zu bytes a peer\n", (all - given_back) / PEERS);
		assert_true(all > given_back);
		assert_in_range((all - given_back) / PEERS, 1, WHILE_IT_WAITS);
	}
	for (int i = 0; i < PEERS; i++)
		SSL_free(peers[i].client);
	contexts_free(contexts);
}

static int install(void **state)
{
	(void)state;
	return handshake_memory_install() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_takes_no_memory),
		cmocka_unit_test(handshake_goes_on),
		cmocka_unit_test(half_open_peers_are_small),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}

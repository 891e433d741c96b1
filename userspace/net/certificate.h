/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file certificate.h
 * The server's certificate with its chain, and its private key: read from files in PEM, and read
 * again when these change.
 *
 * Files are opened by name each time, so that links may be moved to new ones, as certbot and
 * Kubernetes do; whoever the server runs as then has to be able to read them.
 */
#ifndef TURNPIKE_NET_CERTIFICATE_H
#define TURNPIKE_NET_CERTIFICATE_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>

struct certificate;

/**
 * certificate_open() - read the files
 * @cert: path: the server's certificate first, then those that lead to a root, which may be left
 * out
 * @key:  path: of its private key, without a passphrase
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int certificate_open(const char *cert, const char *key, struct certificate **ret);

/** certificate_close() - NULL is fine; connections keep what they use */
void certificate_close(struct certificate *certificate);

/**
 * certificate_reload() - read the files again
 *
 * Handshakes from now on use what they say; if that is of no use, a sentence has been said, and all
 * is as before. Return: 0 or a negative errno.
 */
int certificate_reload(struct certificate *certificate);

/**
 * certificate_watch() - reload by itself once the files have changed and do not change any more
 * @base: the loop whose thread also calls certificate_reload() and certificate_close()
 *
 * Return: 0 or -ENOMEM.
 */
int certificate_watch(struct certificate *certificate, struct event_base *base);

/** certificate_use() - let a handshake use it; any thread. Return: whether that was possible */
bool certificate_use(struct certificate *certificate, SSL *ssl);

#endif /* TURNPIKE_NET_CERTIFICATE_H */

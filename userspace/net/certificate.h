/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file certificate.h
 * The server's certificate with its chain, and its private key. They are read from PEM files, and
 * reloaded when the files change.
 *
 * Each reload opens the files by name, because certbot and Kubernetes replace symbolic links. The
 * user that the server has switched to must be able to read them.
 */
#ifndef TURNPIKE_NET_CERTIFICATE_H
#define TURNPIKE_NET_CERTIFICATE_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <time.h>

struct certificate;

/**
 * certificate_open() - read the files
 * @cert: path of the server's certificate, followed by its chain; the root may be omitted
 * @key:  path of its private key, without a passphrase
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int certificate_open(const char *cert, const char *key, struct certificate **ret);

/** certificate_close() - free it; connections keep their certificate; accepts NULL */
void certificate_close(struct certificate *certificate);

/**
 * certificate_reload() - read the files again
 *
 * Later handshakes use the new certificate. If the files are not usable, the error is logged, and
 * the previous certificate stays in use. Return: 0 or a negative errno.
 */
int certificate_reload(struct certificate *certificate);

/**
 * certificate_watch() - reload the files after they have changed
 * @base: loop of the thread that also calls certificate_reload() and certificate_close()
 *
 * Waits until the files no longer change. Return: 0 or -ENOMEM.
 */
int certificate_watch(struct certificate *certificate, struct event_base *base);

/** certificate_use() - use it for the handshake of @ssl; any thread; Return: false on failure */
bool certificate_use(struct certificate *certificate, SSL *ssl);

/** certificate_path() - the file that it was read from */
const char *certificate_path(const struct certificate *certificate);

/**
 * certificate_expiry() - when the first certificate of the chain expires; any thread
 *
 * Return: the time in seconds since 1970-01-01 00:00 UTC.
 */
time_t certificate_expiry(struct certificate *certificate);

#endif /* TURNPIKE_NET_CERTIFICATE_H */

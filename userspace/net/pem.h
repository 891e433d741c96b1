/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file pem.h
 * Reads certificates and keys from PEM text in memory. Unlike OpenSSL's functions for files, these
 * open nothing by name. On failure, OpenSSL's error queue says why.
 */
#ifndef TURNPIKE_NET_PEM_H
#define TURNPIKE_NET_PEM_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/regular_file.h"

/** pem_use_chain() - use the first certificate of @file, and those that follow as its chain */
bool pem_use_chain(SSL_CTX *context, const struct regular_file *file);

/** pem_use_key() - use the private key in @file, which has no passphrase */
bool pem_use_key(SSL_CTX *context, const struct regular_file *file);

#endif /* TURNPIKE_NET_PEM_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file certificate.h
 * The certificate of a server, and all that is wrong with it, not only what is wrong first.
 */
#ifndef TURNPIKE_CHECK_CERTIFICATE_H
#define TURNPIKE_CHECK_CERTIFICATE_H

#include <stddef.h>
#include <openssl/types.h>

#define CHECK_NAMES_MAX 160

/** enum check_fault - the aspects of a certificate */
enum check_fault {
	CHECK_FAULT_NAME,
	CHECK_FAULT_CHAIN,
	CHECK_FAULT_TIME,
};

#define CHECK_FAULTS 3

/**
 * struct check_certificate - what a client finds
 * @faults:    by enum check_fault: the first X509_V_ERR of that kind, or 0
 * @days_left: days until the certificate expires, rounded down; negative: since it has expired
 * @n_sent:    number of certificates that the server has sent
 * @names:     those that it is for, separated by commas, as far as there is room; not trusted
 */
struct check_certificate {
	int faults[CHECK_FAULTS];
	int days_left;
	int n_sent;
	char names[CHECK_NAMES_MAX];
};

/**
 * check_certificate_watch() - note faults in the coming handshake, which they do not end
 * @host:        the name or address that the certificate must have; also sent as SNI
 * @certificate: must live as long as @ssl
 *
 * Return: 0 or -ENOMEM.
 */
int check_certificate_watch(SSL *ssl, const char *host, struct check_certificate *certificate);

/** check_certificate_read() - get the rest after the handshake */
void check_certificate_read(const SSL *ssl, struct check_certificate *certificate);

/** check_certificate_add_name() - append a name to @names, if there is room for all of it */
void check_certificate_add_name(char names[static CHECK_NAMES_MAX], const char *name, size_t len);

#endif /* TURNPIKE_CHECK_CERTIFICATE_H */

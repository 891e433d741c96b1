/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

static enum check_fault kind_of(int error)
{
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return CHECK_FAULT_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CHECK_FAULT_TIME;
	}
	return CHECK_FAULT_CHAIN;
}

/* Called for each fault; returns 1 to go on. */
static int note_fault(int ok, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct check_certificate *certificate = SSL_get_app_data(ssl);
	const int error = X509_STORE_CTX_get_error(store);
	int *fault = &certificate->faults[kind_of(error)];

	if (!ok && *fault == X509_V_OK)
		*fault = error;
	return 1;
}

static bool is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 || inet_pton(AF_INET6, host, &addr) == 1;
}

int check_certificate_watch(SSL *ssl, const char *host, struct check_certificate *certificate)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	int ok;

	*certificate = (struct check_certificate){ 0 };
	SSL_set_app_data(ssl, certificate);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, note_fault);
	if (is_address(host))
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host);
	else
		ok = X509_VERIFY_PARAM_set1_host(param, host, 0) &&
		     SSL_set_tlsext_host_name(ssl, host);
	return ok ? 0 : -ENOMEM;
}

void check_certificate_add_name(char names[static CHECK_NAMES_MAX], const char *name, size_t len)
{
	const size_t used = strlen(names);
	const char *separator = used ? ", " : "";

	if (used + strlen(separator) + len >= CHECK_NAMES_MAX)
		return;
	memcpy(names + used, separator, strlen(separator));
	memcpy(names + used + strlen(separator), name, len);
	names[used + strlen(separator) + len] = '\0';
}

static void add_address(char *names, const ASN1_OCTET_STRING *ip)
{
	const int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (ASN1_STRING_length(ip) != 4 && ASN1_STRING_length(ip) != 16)
		return;
	if (inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof(text)))
		check_certificate_add_name(names, text, strlen(text));
}

/* Clients of today ignore the subject (RFC 9525). */
static void read_names(const X509 *x509, char *names)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);

		if (name->type == GEN_DNS)
			check_certificate_add_name(
				names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
				(size_t)ASN1_STRING_length(name->d.dNSName));
		else if (name->type == GEN_IPADD)
			add_address(names, name->d.iPAddress);
	}
	GENERAL_NAMES_free(list);
}

void check_certificate_read(const SSL *ssl, struct check_certificate *certificate)
{
	const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	const X509 *x509 = SSL_get0_peer_certificate(ssl);
	int days = 0, seconds = 0;

	certificate->n_sent = chain ? sk_X509_num(chain) : 0;
	if (!x509)
		return;
	/* Both numbers have the same sign. */
	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x509)))
		certificate->days_left = seconds < 0 ? days - 1 : days;
	read_names(x509, certificate->names);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/regular_file.h"
#include "net/certificate.h"
#include "net/pem.h"

/** Seconds between two polls. Changed files are read after two polls with the same result. */
#define POLL_SECONDS 2
/** Largest file accepted; a chain has some KB. */
#define PEM_FILE_MAX (1 << 20)

/** struct file_state - differs after a file was written, or replaced by another one */
struct file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

/** struct files_state - states of both files */
struct files_state {
	struct file_state cert;
	struct file_state key;
};

/**
 * struct certificate - see certificate.h
 * @lock:   protects @loaded
 * @loaded: holds the certificate, its chain and the key; not used for connections
 * @read:   state of the files when they were last read, successfully or not
 * @last:   state of the files at the last poll
 */
struct certificate {
	char *cert;
	char *key;
	pthread_mutex_t lock;
	SSL_CTX *loaded;
	struct files_state read;
	struct files_state last;
	struct event *timer;
};

static struct file_state file_state(const char *path)
{
	struct file_state state;
	struct stat file;

	/* memcmp() compares the padding, too. */
	memset(&state, 0, sizeof(state));
	if (stat(path, &file))
		return state;
	state.device = file.st_dev;
	state.inode = file.st_ino;
	state.size = file.st_size;
	state.modified = file.st_mtim;
	return state;
}

static struct files_state files_state(const struct certificate *certificate)
{
	return (struct files_state){ file_state(certificate->cert), file_state(certificate->key) };
}

static bool is_equal(const struct files_state *a, const struct files_state *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static int read_file(const char *option, const char *path, struct regular_file *file)
{
	int err = regular_file_read(path, PEM_FILE_MAX, file);

	if (err)
		log_error(
			"--%s: cannot read %s: %s; name a PEM file that the server's user may read",
			option, path, regular_file_error(err));
	return err;
}

static const char *reason(void)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);

	return text ? text : "the file is empty or not PEM";
}

static bool is_key_of_certificate(SSL_CTX *context)
{
	return X509_check_private_key(SSL_CTX_get0_certificate(context),
				      SSL_CTX_get0_privatekey(context)) == 1;
}

/*
 * The certificate first: OpenSSL then rejects a key that does not match. In reverse order it would
 * drop the key without an error.
 */
static bool fill(const struct certificate *certificate, const struct regular_file *cert,
		 const struct regular_file *key, SSL_CTX *context)
{
	if (!pem_use_chain(context, cert)) {
		log_error("--cert %s contains no usable certificate (%s): use a PEM file with the "
			  "server's certificate, followed by its chain",
			  certificate->cert, reason());
	} else if (pem_use_key(context, key) && is_key_of_certificate(context)) {
		return true;
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
		   ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH) {
		log_error("--key %s is not the key of the certificate in %s: use the private key "
			  "that the certificate was issued for",
			  certificate->key, certificate->cert);
	} else {
		log_error("--key %s contains no usable private key (%s): use a PEM file without a "
			  "passphrase",
			  certificate->key, reason());
	}
	return false;
}

static void warn_if_expired(const struct certificate *certificate, const SSL_CTX *context)
{
	const X509 *x509 = SSL_CTX_get0_certificate(context);

	if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
		log_at(LOG_WARNING,
		       "the certificate in %s has expired: renew it, or clients will reject it",
		       certificate->cert);
}

static int make_context(const struct certificate *certificate, const struct regular_file *cert,
			const struct regular_file *key, SSL_CTX **ret)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());

	if (!context)
		return -ENOMEM;
	ERR_clear_error();
	if (!fill(certificate, cert, key, context)) {
		ERR_clear_error();
		SSL_CTX_free(context);
		return -EINVAL;
	}
	ERR_clear_error();
	warn_if_expired(certificate, context);
	*ret = context;
	return 0;
}

static int load(const struct certificate *certificate, SSL_CTX **ret)
{
	struct regular_file cert = { 0 }, key = { 0 };
	int err = read_file("cert", certificate->cert, &cert);

	if (!err)
		err = read_file("key", certificate->key, &key);
	if (!err)
		err = make_context(certificate, &cert, &key, ret);
	regular_file_free(&cert);
	regular_file_free(&key);
	return err;
}

int certificate_open(const char *cert, const char *key, struct certificate **ret)
{
	struct certificate *certificate = calloc(1, sizeof(*certificate));
	int err = -ENOMEM;

	if (!certificate)
		return err;
	pthread_mutex_init(&certificate->lock, NULL);
	certificate->cert = strdup(cert);
	certificate->key = strdup(key);
	if (certificate->cert && certificate->key) {
		certificate->read = certificate->last = files_state(certificate);
		err = load(certificate, &certificate->loaded);
	}
	if (err)
		certificate_close(certificate);
	else
		*ret = certificate;
	return err;
}

void certificate_close(struct certificate *certificate)
{
	if (!certificate)
		return;
	if (certificate->timer)
		event_free(certificate->timer);
	SSL_CTX_free(certificate->loaded);
	pthread_mutex_destroy(&certificate->lock);
	free(certificate->cert);
	free(certificate->key);
	free(certificate);
}

int certificate_reload(struct certificate *certificate)
{
	SSL_CTX *context, *before;
	int err;

	certificate->read = certificate->last = files_state(certificate);
	err = load(certificate, &context);
	if (err) {
		log_at(LOG_WARNING, "the previous certificate stays in use");
		return err;
	}
	pthread_mutex_lock(&certificate->lock);
	before = certificate->loaded;
	certificate->loaded = context;
	pthread_mutex_unlock(&certificate->lock);
	SSL_CTX_free(before);
	log_at(LOG_INFO, "reloaded the certificate in %s", certificate->cert);
	return 0;
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct certificate *certificate = arg;
	const struct files_state now = files_state(certificate);
	const bool settled = is_equal(&now, &certificate->last);

	(void)fd;
	(void)what;
	certificate->last = now;
	if (settled && !is_equal(&now, &certificate->read))
		certificate_reload(certificate);
}

int certificate_watch(struct certificate *certificate, struct event_base *base)
{
	static const struct timeval interval = { .tv_sec = POLL_SECONDS };

	certificate->timer = event_new(base, -1, EV_PERSIST, on_poll, certificate);
	if (!certificate->timer || event_add(certificate->timer, &interval))
		return -ENOMEM;
	return 0;
}

/* A reference, since the main thread may replace it at any time. */
static SSL_CTX *get_loaded(struct certificate *certificate)
{
	SSL_CTX *loaded;

	pthread_mutex_lock(&certificate->lock);
	loaded = certificate->loaded;
	SSL_CTX_up_ref(loaded);
	pthread_mutex_unlock(&certificate->lock);
	return loaded;
}

bool certificate_use(struct certificate *certificate, SSL *ssl)
{
	SSL_CTX *loaded = get_loaded(certificate);
	STACK_OF(X509) *chain = NULL;
	bool done;

	SSL_CTX_get0_chain_certs(loaded, &chain);
	done = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(loaded),
				    SSL_CTX_get0_privatekey(loaded), chain, 1) == 1;
	SSL_CTX_free(loaded);
	return done;
}

const char *certificate_path(const struct certificate *certificate)
{
	return certificate->cert;
}

static time_t expiry_of(const X509 *x509)
{
	struct tm time = { 0 };

	ASN1_TIME_to_tm(X509_get0_notAfter(x509), &time);
	return timegm(&time);
}

time_t certificate_expiry(struct certificate *certificate)
{
	SSL_CTX *loaded = get_loaded(certificate);
	time_t first = expiry_of(SSL_CTX_get0_certificate(loaded));
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(loaded, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const time_t expiry = expiry_of(sk_X509_value(chain, i));

		if (expiry < first)
			first = expiry;
	}
	SSL_CTX_free(loaded);
	return first;
}

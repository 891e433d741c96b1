/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/certificate.h"
#include "base/log.h"

/** Seconds between two looks at the files. They are read once two looks in a row have seen the
 * same.
 */
#define LOOK_SECONDS 2

/** struct look - what a look at a file has seen: another file behind the name, or other content */
struct look {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

/** struct looks - at both files */
struct looks {
	struct look cert;
	struct look key;
};

/**
 * struct certificate - see certificate.h
 * @lock:   of @loaded
 * @loaded: never used for a connection, but holds what OpenSSL has read
 * @read:   what was seen when the files were read last, of use or not
 * @last:   what was seen last
 */
struct certificate {
	char *cert;
	char *key;
	pthread_mutex_t lock;
	SSL_CTX *loaded;
	struct looks read;
	struct looks last;
	struct event *timer;
};

static struct look look_at(const char *path)
{
	struct look look;
	struct stat file;

	/* Compared as a whole, gaps included. */
	memset(&look, 0, sizeof(look));
	if (stat(path, &file))
		return look;
	look.device = file.st_dev;
	look.inode = file.st_ino;
	look.size = file.st_size;
	look.changed = file.st_mtim;
	return look;
}

static struct looks look_at_both(const struct certificate *certificate)
{
	return (struct looks){ look_at(certificate->cert), look_at(certificate->key) };
}

static bool saw_the_same(const struct looks *a, const struct looks *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* OpenSSL's own words for this are of no help to anybody. */
static int check_readable(const char *option, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	log_error("--%s %s cannot be read: %s; give the path of a file that this user may read",
		  option, path, strerror(err));
	return -err;
}

static const char *reason(void)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);

	return text ? text : "it is empty or of another format";
}

/* Nobody is there to type it in. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool is_key_of_certificate(SSL_CTX *context)
{
	return X509_check_private_key(SSL_CTX_get0_certificate(context),
				      SSL_CTX_get0_privatekey(context)) == 1;
}

/* The key first: OpenSSL takes a key that does not match for a reason to forget the certificate. */
static bool fill(const struct certificate *certificate, SSL_CTX *context)
{
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, certificate->cert) != 1) {
		log_error(
			"--cert %s holds no certificate that can be used (%s): give a PEM file with "
			"the server's certificate, and behind it those that lead to the root",
			certificate->cert, reason());
	} else if (SSL_CTX_use_PrivateKey_file(context, certificate->key, SSL_FILETYPE_PEM) == 1 &&
		   is_key_of_certificate(context)) {
		return true;
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
		   ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH) {
		log_error("--key %s is not the key of the certificate in %s: give the one that the "
			  "certificate was issued for",
			  certificate->key, certificate->cert);
	} else {
		log_error(
			"--key %s holds no private key that can be used (%s): give a PEM file without "
			"a passphrase",
			certificate->key, reason());
	}
	return false;
}

static void warn_if_expired(const struct certificate *certificate, const SSL_CTX *context)
{
	const X509 *x509 = SSL_CTX_get0_certificate(context);

	if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
		log_at(LOG_WARNING, "the certificate in %s has expired: clients will refuse it",
		       certificate->cert);
}

static int load(const struct certificate *certificate, SSL_CTX **ret)
{
	SSL_CTX *context;
	int err = check_readable("cert", certificate->cert);

	if (!err)
		err = check_readable("key", certificate->key);
	if (err)
		return err;
	context = SSL_CTX_new(TLS_method());
	if (!context)
		return -ENOMEM;
	ERR_clear_error();
	if (!fill(certificate, context)) {
		ERR_clear_error();
		SSL_CTX_free(context);
		return -EINVAL;
	}
	warn_if_expired(certificate, context);
	*ret = context;
	return 0;
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
		certificate->read = certificate->last = look_at_both(certificate);
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

	certificate->read = certificate->last = look_at_both(certificate);
	err = load(certificate, &context);
	if (err) {
		log_at(LOG_WARNING, "the certificate that was read before stays in use");
		return err;
	}
	pthread_mutex_lock(&certificate->lock);
	before = certificate->loaded;
	certificate->loaded = context;
	pthread_mutex_unlock(&certificate->lock);
	SSL_CTX_free(before);
	log_at(LOG_INFO, "the certificate in %s was read again", certificate->cert);
	return 0;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct certificate *certificate = arg;
	const struct looks now = look_at_both(certificate);
	const bool settled = saw_the_same(&now, &certificate->last);

	(void)fd;
	(void)what;
	certificate->last = now;
	if (settled && !saw_the_same(&now, &certificate->read))
		certificate_reload(certificate);
}

int certificate_watch(struct certificate *certificate, struct event_base *base)
{
	static const struct timeval interval = { .tv_sec = LOOK_SECONDS };

	certificate->timer = event_new(base, -1, EV_PERSIST, on_look, certificate);
	if (!certificate->timer || event_add(certificate->timer, &interval))
		return -ENOMEM;
	return 0;
}

bool certificate_use(struct certificate *certificate, SSL *ssl)
{
	STACK_OF(X509) *chain = NULL;
	SSL_CTX *loaded;
	bool done;

	pthread_mutex_lock(&certificate->lock);
	loaded = certificate->loaded;
	SSL_CTX_up_ref(loaded);
	pthread_mutex_unlock(&certificate->lock);
	SSL_CTX_get0_chain_certs(loaded, &chain);
	done = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(loaded),
				    SSL_CTX_get0_privatekey(loaded), chain, 1) == 1;
	SSL_CTX_free(loaded);
	return done;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "serve/serve_listen.h"

static int open_tls(struct serve_listen *listen, const struct serve_config *config,
		    struct event_base *base)
{
	int err = certificate_open(config->cert, config->key, &listen->certificate);

	if (err)
		return err;
	if (certificate_watch(listen->certificate, base)) {
		log_error("out of memory");
		return -ENOMEM;
	}
	listen->listen.tls = tls_new(listen->certificate);
	return listen->listen.tls ? 0 : -ENOMEM;
}

int serve_listen_open(struct serve_listen *listen, const struct serve_config *config,
		      uint32_t max_connections, struct event_base *base)
{
	listen->listen = (struct listen_config){
		.transports = config->transports,
		.admission = admission_new(max_connections, config->unauthenticated_rate),
		.denied = cidr_set_new(config->denied_clients, config->n_denied_clients),
	};
	if (!listen->listen.admission || !listen->listen.denied) {
		log_error("out of memory");
		return -ENOMEM;
	}
	return config->n_listen_tls > 0 ? open_tls(listen, config, base) : 0;
}

void serve_listen_at(struct serve_listen *listen, const struct endpoints *endpoints)
{
	listen->listen.plain = endpoints->plain;
	listen->listen.n_plain = endpoints->n_plain;
	listen->listen.secure = endpoints->secure;
	listen->listen.n_secure = endpoints->n_secure;
}

int serve_listen_check(const struct serve_config *config)
{
	struct certificate *certificate;
	int err;

	if (config->n_listen_tls == 0)
		return 0;
	err = certificate_open(config->cert, config->key, &certificate);
	if (!err)
		certificate_close(certificate);
	return err;
}

void serve_listen_close(struct serve_listen *listen)
{
	tls_free(listen->listen.tls);
	certificate_close(listen->certificate);
	admission_free(listen->listen.admission);
	cidr_set_free(listen->listen.denied);
}

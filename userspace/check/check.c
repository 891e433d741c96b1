/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/check.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "check/target.h"
#include "private/array_len.h"

/** Time-limited credentials are made for this many seconds. */
#define LIFETIME (60u * 60)
/** More addresses of a name than this are not checked. */
#define ADDRESSES_MAX 16

/** struct step - @check: the name of its row */
struct step {
	const char *check;
	check_step *run;
};

static const struct step steps[] = {
	{ "connection", check_step_connect },
	{ "handshake", check_step_handshake },
	{ "binding", check_step_binding },
	{ "challenge", check_step_challenge },
	{ "allocation", check_step_allocate },
	{ "relayed address", check_step_relayed },
	{ "peer", check_step_reach },
	{ "second allocation", check_step_second },
	{ "permission", check_step_permission },
	{ "echo by indications", check_step_indications },
	{ "channel", check_step_bind },
	{ "echo by channels", check_step_channels },
	{ "refresh", check_step_refresh },
};

/* Transports that many servers do without. */
static const bool may_be_missing[TURN_TRANSPORTS] = { [TURN_TCP] = true, [TURN_DTLS] = true };

static void run_steps(struct check_target *target)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct check_row row = { steps[i].check, target->name };

		if (!steps[i].run(target, &row))
			return;
	}
}

static int check_transport(const struct check_options *options, const struct turnpike_addr *server,
			   enum turn_transport transport, json_t *report)
{
	struct check_target *target = calloc(1, sizeof(*target));
	const uint64_t patience = options->timeout * NS_PER_S;
	char text[ADDR_TEXT_MAX];

	if (!target)
		return -ENOMEM;
	target->options = options;
	target->report = report;
	target->transport = transport;
	target->server = *server;
	target->is_optional = !options->uri.chosen && may_be_missing[transport];
	snprintf(target->name, sizeof(target->name), "%s %s", turn_transport_names[transport],
		 addr_format(server, text));
	check_session_init(&target->first, patience);
	check_session_init(&target->second, patience);
	check_credentials_make(options, LIFETIME, &target->credentials);
	run_steps(target);
	check_session_end(&target->second);
	check_session_end(&target->first);
	explicit_bzero(&target->credentials, sizeof(target->credentials));
	free(target);
	return 0;
}

static int check_address(const struct check_options *options, const struct turnpike_addr *server,
			 json_t *report)
{
	int err = 0;

	for (unsigned int transport = 0; transport < TURN_TRANSPORTS && !err; transport++) {
		if (options->uri.transports & (1u << transport))
			err = check_transport(options, server, transport, report);
	}
	return err;
}

static void add_unresolved(json_t *report, const char *host, int error)
{
	static const struct check_row row = { "dns", "-" };

	if (error == EAI_AGAIN)
		check_report_add(
			report, &row, CHECK_UNKNOWN,
			"Check the resolver of this machine, or name the server by its address.",
			"no answer from the resolver for %s", host);
	else
		check_report_add(report, &row, CHECK_CRITICAL,
				 "Correct the name, or add an A or AAAA record for it.", "%s: %s",
				 host, gai_strerror(error));
}

/* Returns how many addresses the server has; 0 after adding a row. */
static size_t resolve(const struct check_options *options, json_t *report,
		      struct turnpike_addr addresses[static ADDRESSES_MAX])
{
	static const int families[] = { [TURNPIKE_IPV4] = AF_INET, [TURNPIKE_IPV6] = AF_INET6 };
	const struct addrinfo hints = {
		.ai_family = options->family ? families[options->family] : AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *list;
	size_t n = 0;
	int error = getaddrinfo(options->uri.host, NULL, &hints, &list);

	if (error) {
		add_unresolved(report, options->uri.host, error);
		return 0;
	}
	for (const struct addrinfo *info = list; info && n < ADDRESSES_MAX; info = info->ai_next) {
		struct sockaddr_storage sa = { 0 };

		memcpy(&sa, info->ai_addr, info->ai_addrlen);
		if (addr_from_sockaddr(&sa, &addresses[n]))
			continue;
		addresses[n++].port = htons(options->uri.port);
	}
	freeaddrinfo(list);
	return n;
}

static void add_resolved(json_t *report, const char *host, const struct turnpike_addr *addresses,
			 size_t n)
{
	static const struct check_row row = { "dns", "-" };
	char text[ADDR_TEXT_MAX], list[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < n && used < sizeof(list); i++) {
		const struct turnpike_addr ip = addr_without_port(&addresses[i]);

		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 addr_format(&ip, text));
	}
	if (strcmp(host, list) == 0)
		check_report_add(report, &row, CHECK_SKIPPED, NULL, "%s is an address", host);
	else
		check_report_add(report, &row, CHECK_OK, NULL, "%s: %s", host, list);
}

int check_run(const struct check_options *options, json_t *report)
{
	struct turnpike_addr addresses[ADDRESSES_MAX];
	const size_t n = resolve(options, report, addresses);
	int err = 0;

	if (n)
		add_resolved(report, options->uri.host, addresses, n);
	for (size_t i = 0; i < n && !err; i++)
		err = check_address(options, &addresses[i], report);
	return err;
}

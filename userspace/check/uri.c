/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "private/array_len.h"

#define BIT(transport) (1u << (transport))

/** struct scheme - @by_udp, @by_tcp: the transport that ?transport=udp or tcp stands for */
struct scheme {
	const char *prefix;
	uint16_t port;
	enum turn_transport by_udp;
	enum turn_transport by_tcp;
};

static const struct scheme schemes[] = {
	{ "turn:", 3478, TURN_UDP, TURN_TCP },
	{ "turns:", 5349, TURN_DTLS, TURN_TLS },
};

static const struct scheme *find_scheme(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	}
	return NULL;
}

static bool is_name(const char *host)
{
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789.-_")] == '\0';
}

static bool is_ipv6(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, host, &addr) == 1;
}

static int copy_host(const char *text, size_t len, bool in_brackets, char *host)
{
	if (len == 0 || len > CHECK_HOST_MAX)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	return (in_brackets ? is_ipv6(host) : is_name(host)) ? 0 : -EINVAL;
}

/* Returns what is behind the host, or NULL. */
static const char *take_host(const char *text, char *host)
{
	const bool in_brackets = *text == '[';
	const char *start = text + in_brackets;
	const char *end = start + strcspn(start, in_brackets ? "]" : ":?");

	if (copy_host(start, (size_t)(end - start), in_brackets, host))
		return NULL;
	if (!in_brackets)
		return end;
	return *end == ']' ? end + 1 : NULL;
}

/* Returns what is behind the port, or NULL. */
static const char *take_port(const char *text, uint16_t *port)
{
	const size_t digits = strspn(text, "0123456789");
	unsigned int number = 0;

	if (digits == 0 || digits > 5)
		return NULL;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (unsigned int)(text[i] - '0');
	if (number == 0 || number > UINT16_MAX)
		return NULL;
	*port = (uint16_t)number;
	return text + digits;
}

static int take_transport(const char *text, const struct scheme *scheme, struct check_uri *uri)
{
	uri->chosen = true;
	if (strcasecmp(text, "?transport=udp") == 0)
		uri->transports = BIT(scheme->by_udp);
	else if (strcasecmp(text, "?transport=tcp") == 0)
		uri->transports = BIT(scheme->by_tcp);
	else
		return -EINVAL;
	return 0;
}

int check_uri_parse(const char *text, struct check_uri *uri)
{
	const struct scheme *scheme = find_scheme(text);
	struct check_uri result = { 0 };
	int err = 0;

	if (!scheme)
		return -EINVAL;
	result.port = scheme->port;
	result.transports = BIT(scheme->by_udp) | BIT(scheme->by_tcp);
	text = take_host(text + strlen(scheme->prefix), result.host);
	if (text && *text == ':')
		text = take_port(text + 1, &result.port);
	if (!text)
		return -EINVAL;
	if (*text)
		err = take_transport(text, scheme, &result);
	if (!err)
		*uri = result;
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "config/serve_setters.h"
#include "private/array_len.h"

/** RFC 8656 section 4 and RFC 7064: "turn" and "turns". */
#define DEFAULT_PORT     3478
#define DEFAULT_PORT_TLS 5349
/** That of coturn. */
#define DEFAULT_METRICS_PORT 9641

static int replace(char **text, const char *value)
{
	char *copy;

	if (*value == '\0')
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

/*
 * An address; without a port, it gets @port. An IPv6 address needs brackets, since 2001:db8::1:3478
 * would be an address without a port.
 */
static int parse_address(const char *text, uint16_t port, struct turnpike_addr *addr)
{
	struct turnpike_addr result;

	if (addr_parse(text, &result) || (result.family == TURNPIKE_IPV6 && *text != '['))
		return -EINVAL;
	if (!result.port)
		result.port = htons(port);
	*addr = addr_unmap(&result);
	return 0;
}

/* Moves the zone of "fe80::1%eth0" or "[fe80::1%eth0]:3478" from @text to @zone. */
static int take_zone(char *text, char zone[static IFNAMSIZ])
{
	char *percent = strchr(text, '%');
	size_t len;

	if (!percent)
		return 0;
	len = strcspn(percent + 1, "]");
	if (len == 0 || len >= IFNAMSIZ)
		return -EINVAL;
	memcpy(zone, percent + 1, len);
	memmove(percent, percent + 1 + len, strlen(percent + 1 + len) + 1);
	return 0;
}

static int check_zone(const struct endpoint_name *name)
{
	return name->zone[0] && !addr_is_link_local(&name->addr) ? -EINVAL : 0;
}

/* An address, possibly with a zone, or ":PORT", the wildcard of both families. */
static int parse_listen(const char *value, uint16_t port, struct endpoint_name *name)
{
	struct endpoint_name result = { 0 };
	char *text = strdup(value);
	uint32_t number;
	int err;

	if (!text)
		return -ENOMEM;
	if (*text == ':' && !cli_number(text + 1, 1, UINT16_MAX, &number)) {
		result.addr.port = htons((uint16_t)number);
		err = 0;
	} else {
		err = take_zone(text, result.zone);
		if (!err)
			err = parse_address(text, port, &result.addr);
		if (!err)
			err = check_zone(&result);
	}
	free(text);
	if (!err)
		*name = result;
	return err;
}

int set_listen(void *target, char *value)
{
	struct serve_config *config = target;
	struct endpoint_name name;
	int err = parse_listen(value, DEFAULT_PORT, &name);

	return err ? err : SERVE_CONFIG_APPEND(config, listen, &name);
}

int set_listen_tls(void *target, char *value)
{
	struct serve_config *config = target;
	struct endpoint_name name;
	int err = parse_listen(value, DEFAULT_PORT_TLS, &name);

	return err ? err : SERVE_CONFIG_APPEND(config, listen_tls, &name);
}

static int transport_bit(const char *name, size_t len)
{
	for (size_t i = 0; i < TURN_TRANSPORTS; i++) {
		if (strlen(turn_transport_names[i]) == len &&
		    memcmp(turn_transport_names[i], name, len) == 0)
			return 1 << i;
	}
	return 0;
}

int set_transports(void *target, char *value)
{
	struct serve_config *config = target;
	unsigned int transports = 0;
	int bit;

	for (;;) {
		size_t len = strcspn(value, ",");

		bit = transport_bit(value, len);
		transports |= (unsigned int)bit;
		if (!bit || value[len] == '\0')
			break;
		value += len + 1;
	}
	if (!bit)
		return -EINVAL;
	config->transports = transports;
	return 0;
}

/* An address without a port. */
static int parse_ip(const char *text, struct turnpike_addr *addr)
{
	struct turnpike_addr result;

	if (addr_parse(text, &result) || result.port)
		return -EINVAL;
	*addr = addr_unmap(&result);
	return 0;
}

int set_relay_address(void *target, char *value)
{
	struct endpoint_name name = { 0 };
	struct serve_config *config = target;
	char *text = strdup(value);
	int err;

	if (!text)
		return -ENOMEM;
	err = take_zone(text, name.zone);
	if (!err)
		err = parse_ip(text, &name.addr);
	if (!err)
		err = check_zone(&name);
	free(text);
	return err ? err : SERVE_CONFIG_APPEND(config, relays, &name);
}

/* PUB/PRIV or PUB. */
int set_external_ip(void *target, char *value)
{
	struct turn_relay_address relay = { 0 };
	struct serve_config *config = target;
	char *slash = strchr(value, '/');
	int err;

	if (slash)
		*slash = '\0';
	err = parse_ip(value, &relay.external);
	if (slash)
		*slash = '/';
	if (!err && slash)
		err = parse_ip(slash + 1, &relay.addr);
	if (err || (slash && relay.external.family != relay.addr.family))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, externals, &relay);
}

int set_alternate_server(void *target, char *value)
{
	struct serve_config *config = target;
	struct turnpike_addr addr;

	if (parse_address(value, DEFAULT_PORT, &addr))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, alternates, &addr);
}

/* LO-HI */
static int parse_range(char *value, uint32_t min, uint32_t max, uint32_t *lo, uint32_t *hi)
{
	char *dash = strchr(value, '-');
	int err;

	if (!dash)
		return -EINVAL;
	*dash = '\0';
	err = cli_number(value, min, max, lo);
	*dash = '-';
	return err ? err : cli_number(dash + 1, *lo, max, hi);
}

int set_relay_ports(void *target, char *value)
{
	struct serve_config *config = target;
	uint32_t lo, hi;

	if (parse_range(value, 1, UINT16_MAX, &lo, &hi))
		return -EINVAL;
	config->port_lo = (uint16_t)lo;
	config->port_hi = (uint16_t)hi;
	return 0;
}

int set_backoff(void *target, char *value)
{
	struct serve_config *config = target;
	uint32_t first, longest;

	if (parse_range(value, 1, 86400, &first, &longest))
		return -EINVAL;
	config->datapath.backoff_first_ms = first * 1000;
	config->datapath.backoff_longest_ms = longest * 1000;
	return 0;
}

int set_confirm(void *target, char *value)
{
	struct serve_config *config = target;
	uint32_t seconds;

	if (strcmp(value, "off") == 0) {
		config->datapath.confirm_ms = TURNPIKE_CONFIRM_OFF;
		return 0;
	}
	if (cli_number(value, 1, TURNPIKE_CONFIRM_MAX_MS / 1000, &seconds))
		return -EINVAL;
	config->datapath.confirm_ms = seconds * 1000;
	return 0;
}

/* MODE or MODE/MOVES. */
static int parse_mode(char *text, struct serve_device *device)
{
	char *moves = strchr(text, '/');
	int err;

	if (moves)
		*moves = '\0';
	err = turnpike_mode_parse(text, &device->mode);
	if (moves) {
		*moves = '/';
		if (!err)
			err = turnpike_moves_parse(moves + 1, &device->moves);
	}
	device->has_mode = true;
	return err;
}

int set_device(void *target, char *value)
{
	struct serve_config *config = target;
	struct serve_device device = { 0 };
	const size_t name_len = strcspn(value, "=");

	if (name_len == 0 || name_len >= sizeof(device.name))
		return -EINVAL;
	memcpy(device.name, value, name_len);
	if (value[name_len] && parse_mode(value + name_len + 1, &device))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, devices, &device);
}

int set_mode(void *target, char *value)
{
	return turnpike_mode_parse(value, &((struct serve_config *)target)->mode);
}

int set_moves(void *target, char *value)
{
	return turnpike_moves_parse(value, &((struct serve_config *)target)->moves);
}

int set_tc_hook(void *target, char *value)
{
	struct serve_config *config = target;
	enum turnpike_hook hook;

	if (turnpike_hook_parse(value, &hook))
		return -EINVAL;
	if (hook != TURNPIKE_HOOK_AUTO && hook != TURNPIKE_HOOK_TCX && hook != TURNPIKE_HOOK_CLSACT)
		return -EINVAL;
	config->hook = hook;
	return 0;
}

static int set_private(struct serve_config *config, enum turn_private wanted)
{
	if (config->private_peers != TURN_PRIVATE_AUTO && config->private_peers != wanted) {
		log_error("--allow-peer private and --deny-peer private contradict each other: "
			  "remove one of them");
		return -ECANCELED;
	}
	config->private_peers = wanted;
	return 0;
}

int set_allow_peer(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	if (strcmp(value, "private") == 0)
		return set_private(config, TURN_PRIVATE_ALLOWED);
	return addr_cidr_parse(value, &cidr) ? -EINVAL : SERVE_CONFIG_APPEND(config, allow, &cidr);
}

int set_deny_peer(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	if (strcmp(value, "private") == 0)
		return set_private(config, TURN_PRIVATE_DENIED);
	return addr_cidr_parse(value, &cidr) ? -EINVAL : SERVE_CONFIG_APPEND(config, deny, &cidr);
}

int set_deny_client(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	return addr_cidr_parse(value, &cidr) ? -EINVAL
					     : SERVE_CONFIG_APPEND(config, denied_clients, &cidr);
}

/* RFC 6052 section 2.2: these are the lengths of prefixes. */
static bool is_translated_prefix(const struct addr_cidr *cidr)
{
	return cidr->addr.family == TURNPIKE_IPV6 &&
	       (cidr->prefix == 96 ||
		(cidr->prefix >= 32 && cidr->prefix <= 64 && cidr->prefix % 8 == 0));
}

int set_translated_prefix(void *target, char *value)
{
	struct serve_config *config = target;
	struct addr_cidr cidr;

	if (addr_cidr_parse(value, &cidr) || !is_translated_prefix(&cidr))
		return -EINVAL;
	return SERVE_CONFIG_APPEND(config, translated, &cidr);
}

int set_control(void *target, char *value)
{
	return replace(&((struct serve_config *)target)->control, value);
}

int set_control_group(void *target, char *value)
{
	if (*value == '\0')
		return -EINVAL;
	return replace(&((struct serve_config *)target)->control_group, value);
}

int set_cert(void *target, char *value)
{
	return replace(&((struct serve_config *)target)->cert, value);
}

int set_key(void *target, char *value)
{
	return replace(&((struct serve_config *)target)->key, value);
}

/* USER or USER:GROUP */
int set_run_as(void *target, char *value)
{
	const char *colon = strchr(value, ':');

	if (colon == value || (colon && colon[1] == '\0'))
		return -EINVAL;
	return replace(&((struct serve_config *)target)->run_as, value);
}

int set_as(void *target, char *value)
{
	return replace(&((struct serve_config *)target)->as_user, value);
}

int set_metrics_listen(void *target, char *value)
{
	struct serve_config *config = target;

	return parse_address(value, DEFAULT_METRICS_PORT, &config->metrics_listen);
}

int set_helper(void *target, char *value)
{
	if (*value == '\0')
		return -EINVAL;
	return replace(&((struct serve_config *)target)->helper, value);
}

int set_log_level(void *target, char *value)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARNING] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	for (unsigned int i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			((struct serve_config *)target)->log_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

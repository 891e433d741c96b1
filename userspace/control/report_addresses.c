/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/report_addresses.h"

static json_t *address(const struct turnpike_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return json_string(endpoint_format(addr, text));
}

static json_t *list(const struct turnpike_addr *addrs, size_t n)
{
	json_t *result = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(result, address(&addrs[i]));
	return result;
}

static json_t *relays(const struct endpoints *endpoints)
{
	json_t *result = json_array();

	for (size_t i = 0; i < endpoints->n_relays; i++) {
		const struct turn_relay_address *relay = &endpoints->relays[i];
		json_t *row = json_pack("{s:o}", "address", address(&relay->addr));

		if (relay->external.family)
			json_object_set_new(row, "external", address(&relay->external));
		json_array_append_new(result, row);
	}
	return result;
}

static json_t *notes(const struct endpoints *endpoints)
{
	json_t *result = json_array();

	for (size_t i = 0; i < endpoints->n_notes; i++) {
		const struct endpoint_note *note = &endpoints->notes[i];

		json_array_append_new(result, json_pack("{s:o, s:s, s:b, s:s}", "address",
							address(&note->addr), "dev", note->dev,
							"missing", endpoint_is_missing(note->why),
							"why", endpoint_why_text(note->why)));
	}
	return result;
}

json_t *report_addresses(const struct endpoints *endpoints)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "listening",
			 list(endpoints->plain, endpoints->n_plain), "listening_tls",
			 list(endpoints->secure, endpoints->n_secure), "relays", relays(endpoints),
			 "not_served", notes(endpoints));
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Logging of the TURN core's events: level, addresses, rate limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "process/events.h"
#include "process/watchers.h"
#include "base/log.h"
#include "stun/protocol.h"

/* The last line, and the number of lines. */
static char last[1024];
static unsigned int n_lines;
static enum log_level max_level = LOG_DEBUG;

bool log_is_enabled(enum log_level level)
{
	return level <= max_level;
}

void log_event(enum log_level level, const char *event, const char *message,
	       const struct log_field *fields, size_t n_fields)
{
	FILE *out = fmemopen(last, sizeof(last), "w");

	assert_non_null(out);
	fprintf(out, "%d %s '%s'", (int)level, event, message);
	for (size_t i = 0; i < n_fields; i++) {
		fprintf(out, " %s=", fields[i].name);
		if (fields[i].text)
			fprintf(out, "%s", fields[i].text);
		else
			fprintf(out, "%llu", (unsigned long long)fields[i].number);
	}
	fclose(out);
	n_lines++;
}

/* Who watches, and what was shown last. */
static bool is_watched;
static enum turn_event_kind shown;
static unsigned int n_shown;

bool watchers_exist(void)
{
	return is_watched;
}

void watchers_show(const struct turn_event *event, struct log_line *line)
{
	shown = event->kind;
	n_shown++;
	log_event(line->level, line->event, line->message, line->fields, line->n_fields);
	n_lines--;
}

static struct turnpike_addr address(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void note_from(const char *client, struct turn_event event)
{
	const struct turn_tuple tuple = {
		.client = address(client),
		.server = address("192.0.2.2:3478"),
		.transport = TURN_TLS,
	};
	const struct turnpike_addr relay = address("192.0.2.2:50000");
	const struct turnpike_addr peer = address("[2001:db8::1]:9");

	event.tuple = &tuple;
	if (event.kind != TURN_EVENT_REFUSED)
		event.relay = &relay;
	if (event.kind == TURN_EVENT_PERMITTED || event.kind == TURN_EVENT_BOUND)
		event.peer = &peer;
	events_note(&event);
}

static void note(struct turn_event event)
{
	note_from("192.0.2.1:4000", event);
}

static const struct {
	struct turn_event event;
	const char *without;
	const char *addresses;
} lines[] = {
	{ { .kind = TURN_EVENT_ALLOCATED, .id = 7, .username = "alice", .lifetime = 600 },
	  "2 allocated 'allocation made' id=7 user=alice transport=tls lifetime=600",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000" },
	{ { .kind = TURN_EVENT_REFRESHED, .username = "alice", .lifetime = 600 },
	  "3 refreshed 'allocation refreshed' user=alice transport=tls lifetime=600",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000" },
	{ { .kind = TURN_EVENT_ENDED,
	    .id = 7,
	    .username = "alice",
	    .why = "expired",
	    .age_ns = 61999999999,
	    .traffic = { { 1, 2 }, { 3, UINT64_MAX } },
	    .in_kernel = { { 5, 6 }, { 7, 8 } } },
	  "2 ended 'allocation ended' id=7 user=alice transport=tls why=expired seconds=61 "
	  "kernel_to_peer_packets=5 kernel_to_peer_bytes=6 kernel_to_client_packets=7 "
	  "kernel_to_client_bytes=8 userspace_to_peer_packets=1 userspace_to_peer_bytes=2 userspace_to_client_packets=3 "
	  "userspace_to_client_bytes=18446744073709551615",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000" },
	{ { .kind = TURN_EVENT_INTERIM,
	    .id = 7,
	    .username = "alice",
	    .age_ns = 60000000000,
	    .traffic = { { 1, 2 }, { 3, 4 } },
	    .in_kernel = { { 5, 6 }, { 7, 8 } } },
	  "2 interim 'allocation goes on' id=7 user=alice transport=tls seconds=60 "
	  "kernel_to_peer_packets=5 kernel_to_peer_bytes=6 kernel_to_client_packets=7 "
	  "kernel_to_client_bytes=8 userspace_to_peer_packets=1 userspace_to_peer_bytes=2 userspace_to_client_packets=3 "
	  "userspace_to_client_bytes=4",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000" },
	{ { .kind = TURN_EVENT_PERMITTED, .username = "alice" },
	  "3 permitted 'permission installed' user=alice transport=tls",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000 peer=[2001:db8::1]:9" },
	{ { .kind = TURN_EVENT_BOUND, .username = "alice", .channel = 0x4abc },
	  "3 bound 'channel bound' user=alice transport=tls channel=0x4ABC",
	  " client=192.0.2.1:4000 relay=192.0.2.2:50000 peer=[2001:db8::1]:9" },
	{ { .kind = TURN_EVENT_REFUSED,
	    .username = "",
	    .method = TURN_METHOD_ALLOCATE,
	    .code = 401,
	    .reason = TURN_REASON_NO_CREDENTIALS },
	  "3 refused 'request refused' transport=tls method=Allocate code=401 reason=no_credentials",
	  " client=192.0.2.1:4000" },
	{ { .kind = TURN_EVENT_REFUSED,
	    .username = "alice",
	    .method = TURN_METHOD_CHANNEL_BIND,
	    .code = 400,
	    .reason = TURN_REASON_CHANNEL_IN_USE },
	  "3 refused 'request refused' user=alice transport=tls method=ChannelBind code=400 reason=channel_in_use",
	  " client=192.0.2.1:4000" },
	{ { .kind = TURN_EVENT_REFUSED,
	    .username = "alice",
	    .method = TURN_METHOD_ALLOCATE,
	    .code = 403,
	    .reason = TURN_REASON_BLOCKED },
	  "2 refused 'request refused' user=alice transport=tls method=Allocate code=403 reason=blocked",
	  " client=192.0.2.1:4000" },
	{ { .kind = TURN_EVENT_REFUSED,
	    .username = "eve",
	    .method = TURN_METHOD_REFRESH,
	    .code = 441,
	    .reason = TURN_REASON_OTHER_USER },
	  "2 unauthenticated 'authentication failed' user=eve transport=tls method=Refresh code=441 reason=other_user",
	  " client=192.0.2.1:4000" },
};

#define N_LINES ARRAY_LEN(lines)

static void test_lines(void **state)
{
	char wanted[1024];

	(void)state;
	for (int shows = 0; shows < 2; shows++) {
		events_show_addresses(shows);
		for (size_t i = 0; i < N_LINES; i++) {
			note(lines[i].event);
			snprintf(wanted, sizeof(wanted), "%s%s", lines[i].without,
				 shows ? lines[i].addresses : "");
			assert_string_equal(last, wanted);
		}
	}
	events_show_addresses(false);
	events_end_period();
}

static void test_level(void **state)
{
	(void)state;
	max_level = LOG_INFO;
	n_lines = 0;
	for (size_t i = 0; i < N_LINES; i++)
		note(lines[i].event);
	assert_int_equal(n_lines, 5); /* those of level 2 */
	max_level = LOG_WARNING;
	for (size_t i = 0; i < N_LINES; i++)
		note(lines[i].event);
	assert_int_equal(n_lines, 5);
	max_level = LOG_DEBUG;
	events_end_period();
}

/* They have a budget of their own. */
static void test_refusal_rate_limit(void **state)
{
	const struct turn_event event = { .kind = TURN_EVENT_REFUSED,
					  .username = "alice",
					  .method = TURN_METHOD_ALLOCATE,
					  .code = 403,
					  .reason = TURN_REASON_BLOCKED };

	(void)state;
	n_lines = 0;
	for (unsigned int i = 0; i < 1000; i++)
		note(event);
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED);
	events_end_period();
	assert_string_equal(last, "2 refused 'request refused' more=990");
	events_end_period();
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED + 1);
}

/* Codes by which a rule or a limit refuses a valid request; the others are the client's fault. */
static void test_levels_of_codes(void **state)
{
	static const int codes[] = {
		300, 400, 401, 403, 420, 437, 438, 440, 442, 443, 486, 500, 508
	};
	static const char levels[] = "2332333333"
				     "232";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		note((struct turn_event){
			.kind = TURN_EVENT_REFUSED, .username = "", .code = codes[i] });
		assert_int_equal(last[0], levels[i]);
	}
	events_end_period();
}

/* Whatever one source does, most others are logged. Its ports and the addresses of its /64 are one.
 */
static void test_sources(void **state)
{
	const struct turn_event event = { .kind = TURN_EVENT_REFUSED,
					  .username = "alice",
					  .method = TURN_METHOD_ALLOCATE,
					  .code = 403,
					  .reason = TURN_REASON_BLOCKED };
	char client[ADDR_TEXT_MAX];

	(void)state;
	n_lines = 0;
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(client, sizeof(client), "[2001:db8::%x]:%u", i, i + 1);
		note_from(client, event);
	}
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED);
	for (unsigned int i = 0; i < 64; i++) {
		snprintf(client, sizeof(client), "198.51.100.%u:1", i);
		note_from(client, event);
	}
	/* All of them share the attacker's budget with a probability of 16 to the power of -64. */
	assert_true(n_lines > EVENTS_FAILURES_LOGGED);
	events_end_period();
}

static void fail_to_authenticate(unsigned int times)
{
	const struct turn_event event = { .kind = TURN_EVENT_REFUSED,
					  .username = "eve",
					  .method = TURN_METHOD_ALLOCATE,
					  .code = 401 };

	for (unsigned int i = 0; i < times; i++)
		note(event);
}

static void test_unauthenticated_rate_limit(void **state)
{
	(void)state;
	n_lines = 0;
	fail_to_authenticate(10000);
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED);
	events_end_period();
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED + 1);
	assert_string_equal(last, "2 unauthenticated 'authentication failed' more=9990");
	events_end_period(); /* nothing was suppressed */
	assert_int_equal(n_lines, EVENTS_FAILURES_LOGGED + 1);
	fail_to_authenticate(EVENTS_FAILURES_LOGGED);
	events_end_period();
	assert_int_equal(n_lines, 2 * EVENTS_FAILURES_LOGGED + 1);
}

/* Those who watch see each event, also those that are too many for the log, and always addresses.
 */
static void test_watched(void **state)
{
	const struct turn_icmp icmp = { .type = 3, .code = 4, .mtu = 1280 };

	(void)state;
	max_level = LOG_WARNING;
	n_lines = 0;
	is_watched = true;
	note((struct turn_event){ .kind = TURN_EVENT_DROPPED,
				  .username = "alice",
				  .reason = TURN_REASON_NO_PERMISSION });
	assert_int_equal(shown, TURN_EVENT_DROPPED);
	assert_string_equal(last,
			    "3 dropped 'message or data dropped' user=alice transport=tls "
			    "reason=no_permission client=192.0.2.1:4000 relay=192.0.2.2:50000");
	note((struct turn_event){ .kind = TURN_EVENT_ICMP, .username = "alice", .icmp = &icmp });
	assert_string_equal(last,
			    "3 icmp 'ICMP error reported to the client' user=alice transport=tls "
			    "icmp_type=3 icmp_code=4 mtu=1280 client=192.0.2.1:4000 "
			    "relay=192.0.2.2:50000");
	n_shown = 0;
	fail_to_authenticate(100);
	assert_int_equal(n_shown, 100);
	assert_int_equal(n_lines, 0);
	is_watched = false;
	max_level = LOG_DEBUG;
	note((struct turn_event){ .kind = TURN_EVENT_DROPPED, .username = "" });
	assert_int_equal(n_lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_refusal_rate_limit),
		cmocka_unit_test(test_levels_of_codes),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_unauthenticated_rate_limit),
		cmocka_unit_test(test_watched),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the server serves this user. */
#include <string.h>

#include "base/addr.h"
#include "check/explain.h"
#include "check/target.h"

/** How far clocks are off at most, in seconds: ten years. */
#define FAR (10u * 365 * 24 * 60 * 60)

static bool is_refusal(unsigned int code)
{
	return code == STUN_UNAUTHENTICATED || code == TURN_WRONG_CREDENTIALS;
}

/* The first request is not signed, which a server has to answer with its realm and a nonce. */
bool check_step_challenge(struct check_target *target, const struct check_row *row)
{
	static const char remedy[] =
		"Turn on authentication: lt-cred-mech or use-auth-secret of coturn.";
	const struct check_request request = { .method = TURN_ALLOCATE };
	struct check_session *session = &target->first;
	const char *expected = target->options->realm;
	struct check_answer answer = { 0 };
	int err;

	session->user = target->credentials.user;
	session->password = target->credentials.password;
	err = session->relayed.family ? 0 : check_session_ask(session, &request, &answer);
	if (session->relayed.family) {
		check_report_add(target->report, row, CHECK_WARNING, remedy,
				 "anybody may allocate without credentials");
		return true;
	}
	if (err || answer.code != STUN_UNAUTHENTICATED)
		return check_outcome(target, row, TURN_ALLOCATE, err, &answer);
	if (!session->realm) {
		check_report_add(
			target->report, row, CHECK_CRITICAL,
			"Set a realm in the configuration of the server.",
			"the server asks for credentials, but sends no valid realm and nonce");
		return false;
	}
	if (expected && strcmp(expected, session->realm) != 0) {
		check_report_add(
			target->report, row, CHECK_CRITICAL,
			"Set the realm in the configuration of the server: stored keys are valid for "
			"one realm only.",
			"the realm is '%s' instead of '%s'", session->realm, expected);
		return true;
	}
	check_report_add(target->report, row, CHECK_OK, NULL, "the realm is '%s'", session->realm);
	return true;
}

/* Whether the same credentials for a longer time are good. */
static bool is_clock_ahead(struct check_target *target, unsigned int family,
			   struct check_answer *answer)
{
	if (!target->options->secret ||
	    check_credentials_make(target->options, FAR, &target->credentials))
		return false;
	check_session_forget(&target->first);
	return !check_target_allocate(target, &target->first, family, answer) && !answer->code;
}

/* Finds out why the credentials were refused; returns whether others were accepted. */
static bool explain_refusal(struct check_target *target, const struct check_row *row,
			    unsigned int family, struct check_answer *answer)
{
	const struct check_answer refusal = *answer;
	const unsigned int code = refusal.code;
	const uint64_t age =
		target->credentials.user ? check_credentials_age(target->credentials.user) : 0;

	if (age) {
		check_report_add(
			target->report, row, CHECK_CRITICAL,
			"Get new credentials, and set the clock of whoever makes them.",
			"%u: the user name has expired %llu s ago by the clock of this machine",
			code, (unsigned long long)age);
		return false;
	}
	if (is_clock_ahead(target, family, answer)) {
		check_report_add(
			target->report, row, CHECK_CRITICAL,
			"Set the clock of the server, and that of whoever makes credentials.",
			"%u: the clock of the server is more than an hour ahead of this machine's",
			code);
		return true;
	}
	if (target->options->secret) {
		check_report_add(
			target->report, row, CHECK_CRITICAL,
			"Use the secret of the server, auth-secret of Turnpike and static-auth-secret "
			"of coturn, and have it accept time-limited credentials.",
			"%u: the server has another secret", code);
		return false;
	}
	return check_refused(target, row, TURN_ALLOCATE, &refusal);
}

static void add_allocated(struct check_target *target, const struct check_row *row,
			  const struct check_answer *answer)
{
	char relayed[ADDR_TEXT_MAX], mapped[ADDR_TEXT_MAX];

	check_report_add(target->report, row, CHECK_OK, NULL, "%s for %s, for %u s",
			 addr_format(&target->first.relayed, relayed),
			 addr_format(&target->first.mapped, mapped), answer->lifetime);
}

/* An IPv6 client wants IPv6, if the server has it; without a wish, it gets IPv4 (RFC 8656). */
static int allocate(struct check_target *target, const struct check_row *row, unsigned int *family,
		    struct check_answer *answer)
{
	int err;

	*family = target->server.family == TURNPIKE_IPV6 ? TURNPIKE_IPV6 : 0;
	err = check_target_allocate(target, &target->first, *family, answer);
	if (err || answer->code != TURN_ADDRESS_FAMILY_NOT_SUPPORTED)
		return err;
	check_report_add(target->report, row, CHECK_WARNING,
			 "Give the server an IPv6 relay address, too.",
			 "440: the server does not relay IPv6");
	*family = 0;
	return check_target_allocate(target, &target->first, 0, answer);
}

bool check_step_allocate(struct check_target *target, const struct check_row *row)
{
	struct check_answer answer = { 0 };
	unsigned int family;
	int err;

	if (target->first.relayed.family)
		return true; /* without credentials, in the step before */
	if (!target->credentials.user) {
		check_report_add(target->report, row, CHECK_SKIPPED, NULL,
				 "not checked without credentials");
		return false;
	}
	err = allocate(target, row, &family, &answer);
	if (!err && is_refusal(answer.code))
		return explain_refusal(target, row, family, &answer);
	if (!check_outcome(target, row, TURN_ALLOCATE, err, &answer))
		return false;
	add_allocated(target, row, &answer);
	return true;
}

bool check_step_relayed(struct check_target *target, const struct check_row *row)
{
	const struct turnpike_addr *relayed = &target->first.relayed;
	const struct check_finding finding = check_explain_relayed(relayed, &target->server);
	char text[ADDR_TEXT_MAX];

	addr_format(relayed, text);
	if (finding.what)
		check_report_add(target->report, row, CHECK_CRITICAL, finding.remedy, "%s: %s",
				 finding.what, text);
	else
		check_report_add(target->report, row, CHECK_OK, NULL, "%s is plausible", text);
	return true;
}

bool check_step_second(struct check_target *target, const struct check_row *row)
{
	struct check_session *second = &target->second;
	struct check_certificate certificate;
	struct check_answer answer = { 0 };
	char text[ADDR_TEXT_MAX];
	int err = check_target_open(target, second, &certificate);

	if (!err)
		err = check_target_allocate(target, second, target->first.relayed.family, &answer);
	if (!check_outcome(target, row, TURN_ALLOCATE, err, &answer))
		return false;
	check_report_add(target->report, row, CHECK_OK, NULL, "%s",
			 addr_format(&second->relayed, text));
	return true;
}

static int permit(struct check_session *session, const struct turnpike_addr *peer,
		  struct check_answer *answer)
{
	const struct check_request request = { .method = TURN_CREATE_PERMISSION, .peer = peer };

	return check_session_ask(session, &request, answer);
}

bool check_step_permission(struct check_target *target, const struct check_row *row)
{
	struct check_answer answer = { 0 };
	int err = permit(&target->first, &target->second.relayed, &answer);

	if (!err && !answer.code)
		err = permit(&target->second, &target->first.relayed, &answer);
	if (!check_outcome(target, row, TURN_CREATE_PERMISSION, err, &answer))
		return false;
	check_report_add(target->report, row, CHECK_OK, NULL,
			 "each client permits the relayed address of the other");
	return true;
}

bool check_step_refresh(struct check_target *target, const struct check_row *row)
{
	const struct check_request refresh = { .method = TURN_REFRESH };
	const struct check_request end = { .method = TURN_REFRESH, .ends = true };
	struct check_answer answer = { 0 };
	uint32_t lifetime;
	int err = check_session_ask(&target->first, &refresh, &answer);

	lifetime = answer.lifetime;
	if (!err && !answer.code)
		err = check_session_ask(&target->first, &end, &answer);
	if (!check_outcome(target, row, TURN_REFRESH, err, &answer))
		return false;
	check_report_add(target->report, row, CHECK_OK, NULL,
			 "for %u s, and then by 0 s to its end", lifetime);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether there is a server, and its certificate. */
#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "check/explain.h"
#include "check/target.h"
#include "check/tls.h"

/** Certificates are renewed weeks before. */
#define WARN_DAYS 14

bool check_step_connect(struct check_target *target, const struct check_row *row)
{
	const uint64_t began = clock_now();
	int err = check_transport_connect(&target->first.transport, target->transport,
					  &target->server, began + target->first.patience);

	if (err)
		return check_silent(target, row, err);
	if (turn_transport_is_stream(target->transport))
		check_report_add(target->report, row, CHECK_OK, NULL, "connected in %.1f ms",
				 (double)(clock_now() - began) / NS_PER_MS);
	return true;
}

static void add_name(struct check_target *target, const struct check_certificate *certificate)
{
	const struct check_row row = { "certificate name", target->name };
	const char *host = target->options->uri.host;
	const int fault = certificate->faults[CHECK_FAULT_NAME];
	const struct check_finding finding = check_explain_fault(fault, certificate->n_sent);

	if (!fault)
		check_report_add(target->report, &row, CHECK_OK, NULL, "it is for %s", host);
	else
		check_report_add(target->report, &row, CHECK_CRITICAL, finding.remedy,
				 "%s: it is for %s", finding.what,
				 *certificate->names ? certificate->names : "no name");
}

static void add_chain(struct check_target *target, const struct check_certificate *certificate)
{
	const struct check_row row = { "certificate chain", target->name };
	const int fault = certificate->faults[CHECK_FAULT_CHAIN];
	const struct check_finding finding = check_explain_fault(fault, certificate->n_sent);

	if (!fault)
		check_report_add(target->report, &row, CHECK_OK, NULL,
				 "%d certificates lead to a trusted authority",
				 certificate->n_sent);
	else
		check_report_add(target->report, &row, CHECK_CRITICAL, finding.remedy, "%s",
				 finding.what);
}

static void add_expiry(struct check_target *target, const struct check_certificate *certificate)
{
	const struct check_row row = { "certificate expiry", target->name };
	const int days = certificate->days_left, fault = certificate->faults[CHECK_FAULT_TIME];
	const struct check_finding finding = check_explain_fault(fault, certificate->n_sent);

	if (fault)
		check_report_add(target->report, &row, CHECK_CRITICAL, finding.remedy, "%s",
				 finding.what);
	else
		check_report_add(target->report, &row, days < WARN_DAYS ? CHECK_WARNING : CHECK_OK,
				 days < WARN_DAYS ? "Renew the certificate." : NULL,
				 "the certificate expires in %d days", days);
	check_report_measure(target->report, json_pack("{s:i}", "days", days));
}

bool check_step_handshake(struct check_target *target, const struct check_row *row)
{
	struct check_certificate certificate;
	int err;

	if (target->transport != TURN_TLS && target->transport != TURN_DTLS)
		return true;
	err = check_tls_start(&target->first.transport, target->options->uri.host,
			      clock_now() + target->first.patience, &certificate);
	if (err)
		return check_silent(target, row, err);
	check_report_add(target->report, row, CHECK_OK, NULL, "%s",
			 check_tls_version(&target->first.transport));
	add_name(target, &certificate);
	add_chain(target, &certificate);
	add_expiry(target, &certificate);
	return true;
}

/* Whether the server has turned Binding off, as no-stun of coturn does. */
static bool is_turn_only(struct check_target *target)
{
	const struct check_request request = { .method = TURN_ALLOCATE };
	struct check_answer answer;

	return !check_session_ask(&target->first, &request, &answer);
}

static bool explain_silence(struct check_target *target, const struct check_row *row, int err)
{
	if (err == -ETIMEDOUT && is_turn_only(target)) {
		target->is_optional = false;
		check_report_add(target->report, row, CHECK_SKIPPED, NULL,
				 "the server answers other requests only");
		return true;
	}
	if (err == -ETIMEDOUT && turn_transport_is_stream(target->transport))
		err = check_session_provoke(&target->first);
	return check_silent(target, row, err);
}

bool check_step_binding(struct check_target *target, const struct check_row *row)
{
	const struct check_request request = { .method = STUN_BINDING };
	struct check_answer answer;
	char mapped[ADDR_TEXT_MAX];
	int err = check_session_ask(&target->first, &request, &answer);

	if (err)
		return explain_silence(target, row, err);
	target->is_optional = false;
	/* Servers may want credentials for Binding, too. */
	if (answer.code == STUN_UNAUTHENTICATED) {
		check_report_add(target->report, row, CHECK_OK, NULL,
				 "the server answers, but only with credentials");
		return true;
	}
	if (answer.code)
		return check_refused(target, row, STUN_BINDING, &answer);
	check_report_add(target->report, row, CHECK_OK, NULL, "this machine is %s; %.1f ms%s%s",
			 addr_format(&answer.mapped, mapped), (double)answer.rtt / NS_PER_MS,
			 *answer.software ? "; the server is " : "", answer.software);
	check_report_measure(target->report,
			     json_pack("{s:f}", "rtt_ms", (double)answer.rtt / NS_PER_MS));
	return true;
}

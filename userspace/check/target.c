/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/target.h"

#include <errno.h>

#include "base/addr.h"
#include "base/clock.h"
#include "check/explain.h"
#include "check/tls.h"

int check_target_open(const struct check_target *target, struct check_session *session,
		      struct check_certificate *certificate)
{
	const uint64_t deadline = clock_now() + session->patience;
	const bool secure = target->transport == TURN_TLS || target->transport == TURN_DTLS;
	int err = check_transport_connect(&session->transport, target->transport, &target->server,
					  deadline);

	if (!err && secure)
		err = check_tls_start(&session->transport, target->options->uri.host, deadline,
				      certificate);
	return err;
}

int check_target_allocate(struct check_target *target, struct check_session *session,
			  unsigned int family, struct check_answer *answer)
{
	const struct check_request request = { .method = TURN_ALLOCATE, .family = family };
	int err = 0;

	session->user = target->credentials.user;
	session->password = target->credentials.password;
	if (!session->challenge.hmac)
		err = check_session_ask(session, &request, answer);
	if (!err && !session->relayed.family && session->challenge.hmac)
		err = check_session_ask(session, &request, answer);
	return err;
}

bool check_refused(struct check_target *target, const struct check_row *row,
		   enum stun_method method, const struct check_answer *answer)
{
	const struct check_finding finding = check_explain_code(method, answer->code);
	char alternate[ADDR_TEXT_MAX];

	if (answer->alternate.family)
		check_report_add(target->report, row, CHECK_CRITICAL, finding.remedy, "%s: %s",
				 finding.what, addr_format(&answer->alternate, alternate));
	else
		check_report_add(target->report, row, CHECK_CRITICAL, finding.remedy, "%s",
				 finding.what);
	return false;
}

/* What this machine lacks is not the server's fault. */
static bool is_local(const struct check_target *target, int err)
{
	return target->server.family == TURNPIKE_IPV6 &&
	       (err == -ENETUNREACH || err == -EADDRNOTAVAIL);
}

bool check_silent(struct check_target *target, const struct check_row *row, int err)
{
	const struct check_finding finding =
		check_explain_silence(target->transport, target->server.family, err);
	const enum check_status status =
		target->is_optional || is_local(target, err) ? CHECK_WARNING : CHECK_CRITICAL;

	if (err == -EBADMSG && target->first.guess)
		check_report_add(target->report, row, status, finding.remedy, "%s: %s",
				 finding.what, target->first.guess);
	else
		check_report_add(target->report, row, status, finding.remedy, "%s", finding.what);
	return false;
}

bool check_outcome(struct check_target *target, const struct check_row *row,
		   enum stun_method method, int err, const struct check_answer *answer)
{
	if (err)
		return check_silent(target, row, err);
	return answer->code ? check_refused(target, row, method, answer) : true;
}

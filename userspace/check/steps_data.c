/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the server relays data. */
#include "base/addr.h"
#include "check/echo.h"
#include "check/explain.h"
#include "check/reach.h"
#include "check/target.h"

static bool skip(struct check_target *target, const struct check_row *row, const char *why)
{
	check_report_add(target->report, row, CHECK_SKIPPED, NULL, "not checked: %s", why);
	return true;
}

static void add_reach(struct check_target *target, const struct check_row *row,
		      enum check_reach reach)
{
	const struct turnpike_addr *relayed = &target->first.relayed;
	const struct check_finding finding = check_explain_unreachable(relayed, &target->server);
	char text[ADDR_TEXT_MAX];

	addr_format(relayed, text);
	if (reach == CHECK_REACH_BOTH)
		check_report_add(target->report, row, CHECK_OK, NULL,
				 "this machine and %s exchange datagrams", text);
	else if (reach == CHECK_REACH_CLIENT)
		check_report_add(target->report, row, CHECK_CRITICAL,
				 "Permit the server to send UDP to any address and port.",
				 "datagrams arrive at %s, but its answers do not arrive here",
				 text);
	else
		check_report_add(target->report, row, CHECK_CRITICAL, finding.remedy, "%s (%s)",
				 finding.what, text);
}

/* This machine is a peer, at the address that the server sees. */
bool check_step_reach(struct check_target *target, const struct check_row *row)
{
	struct check_session *client = &target->first;
	const struct check_request permit = { .method = TURN_CREATE_PERMISSION,
					      .peer = &client->mapped };
	enum check_reach reach;
	struct check_answer answer;
	int err;

	if (client->mapped.family != client->relayed.family)
		return skip(target, row, "the relayed address has another family");
	/* Servers keep peers from the machine that they run on. */
	if (addr_same_ip(&client->mapped, &client->relayed))
		return skip(target, row, "this machine has the relayed address itself");
	err = check_session_ask(client, &permit, &answer);
	if (!err && answer.code == TURN_FORBIDDEN)
		return skip(target, row, "the server forbids this machine as a peer (403)");
	if (!check_outcome(target, row, TURN_CREATE_PERMISSION, err, &answer))
		return false;
	err = check_reach_run(client, &reach);
	if (err)
		return check_silent(target, row, err);
	add_reach(target, row, reach);
	return true;
}

static bool run_echo(struct check_target *target, const struct check_row *row, uint16_t channel)
{
	const struct check_options *options = target->options;
	struct check_echo echo;
	enum check_status status;
	const char *remedy;
	int err = check_echo_run(&target->first, &target->second, channel, &echo);

	if (err)
		return check_silent(target, row, err);
	status = check_explain_echo(&echo, options->warn_rtt, options->crit_loss, &remedy);
	check_report_add(target->report, row, status, remedy,
			 "%u of %u packets came back; median of %.1f ms", echo.received, echo.sent,
			 echo.rtt_ms);
	check_report_measure(target->report,
			     json_pack("{s:i, s:i, s:f}", "sent", (int)echo.sent, "received",
				       (int)echo.received, "rtt_ms", echo.rtt_ms));
	return true;
}

bool check_step_indications(struct check_target *target, const struct check_row *row)
{
	return run_echo(target, row, 0);
}

static int bind_channel(struct check_session *session, const struct check_session *other,
			struct check_answer *answer)
{
	const struct check_request request = {
		.method = TURN_CHANNEL_BIND,
		.peer = &other->relayed,
		.channel = CHECK_CHANNEL,
	};

	return check_session_ask(session, &request, answer);
}

bool check_step_bind(struct check_target *target, const struct check_row *row)
{
	struct check_answer answer;
	int err = bind_channel(&target->first, &target->second, &answer);

	if (!err && !answer.code)
		err = bind_channel(&target->second, &target->first, &answer);
	if (!check_outcome(target, row, TURN_CHANNEL_BIND, err, &answer))
		return false;
	check_report_add(target->report, row, CHECK_OK, NULL, "each client has a channel");
	return true;
}

bool check_step_channels(struct check_target *target, const struct check_row *row)
{
	return run_echo(target, row, CHECK_CHANNEL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/assess.h"

#include <string.h>

#include "base/loader.h"
#include "hooks/mark.h"
#include "select/select.h"
#include "base/text.h"

/* Appends; @separator goes before it unless @buffer is empty. */
static void __attribute__((format(printf, 4, 0)))
append(char *buffer, size_t size, const char *separator, const char *format, va_list args)
{
	struct text text = { buffer, size };
	const char *before = buffer[0] ? separator : "";
	size_t used;

	text_append(&text, "%s", before);
	used = strlen(buffer);
	vsnprintf(buffer + used, size - used, format, args);
}

static bool __attribute__((format(printf, 3, 0)))
add_reason(struct assessment *assessment, enum turnpike_outlook outlook, const char *format,
	   va_list args)
{
	struct turnpike_candidate *ret = assessment->ret;
	char sentence[256] = "";
	struct text reason = { ret->reason, sizeof(ret->reason) };

	if (outlook < ret->outlook)
		return false;
	if (outlook > ret->outlook) {
		ret->outlook = outlook;
		ret->reason[0] = '\0';
		ret->remedy[0] = '\0';
	}
	append(sentence, sizeof(sentence), "", format, args);
	text_append(&reason, "%s%s%s%s", ret->reason[0] ? "; " : "",
		    assessment->port != assessment->facts ? assessment->port->dev : "",
		    assessment->port != assessment->facts ? ": " : "", sentence);
	return true;
}

bool assess(struct assessment *assessment, enum turnpike_outlook outlook, const char *format, ...)
{
	va_list args;
	bool counts;

	va_start(args, format);
	counts = add_reason(assessment, outlook, format, args);
	va_end(args);
	return counts;
}

bool assess_harm(struct assessment *assessment, const char *format, ...)
{
	va_list args;
	bool counts;

	va_start(args, format);
	counts = add_reason(assessment, TURNPIKE_REJECTED, format, args);
	va_end(args);
	assessment->ret->harmful = true;
	return counts;
}

void assess_remedy(struct assessment *assessment, const char *format, ...)
{
	struct turnpike_candidate *ret = assessment->ret;
	va_list args;

	va_start(args, format);
	append(ret->remedy, sizeof(ret->remedy), " && ", format, args);
	va_end(args);
}

const struct turnpike_facts *assess_relative(const struct turnpike_facts *facts,
					     enum turnpike_relation relation)
{
	const struct turnpike_facts *relative = facts->related;

	while (relative && relative->relation != relation)
		relative = relative->next;
	return relative;
}

bool assess_is_below(const struct turnpike_facts *relative)
{
	return relative->relation == TURNPIKE_RELATION_MEMBER ||
	       relative->relation == TURNPIKE_RELATION_LOWER ||
	       relative->relation == TURNPIKE_RELATION_BELOW;
}

/* Is it a relay program, of this process or another? */
static bool is_relay(const struct turnpike_program *program)
{
	enum turnpike_moves moves;
	const struct variant *variant;

	if (strcmp(program->name, MARKED_PROGRAM) == 0)
		return true;
	for (moves = TURNPIKE_MOVES_AUTO; moves < TURNPIKE_MOVES_MAX; moves++) {
		variant = loader_variant(program->mode, moves);
		if (variant && loader_has_name(variant, program->name))
			return true;
	}
	return false;
}

bool assess_is_own(const struct assessment *assessment, const struct turnpike_program *program)
{
	return (program->id && program->id == assessment->policy->own_id) ||
	       (assessment->policy->own_all && is_relay(program));
}

/* That of libxdp, which runs several programs in turn. */
static bool is_dispatcher(const struct turnpike_program *program)
{
	return strcmp(program->name, "xdp_dispatcher") == 0;
}

/* Only CAP_SYS_ADMIN may see links and names of programs: a server has no remedy then, but probe.
 */
static void remedy_program(struct assessment *assessment, const struct turnpike_program *program)
{
	const char *dev = assessment->port->dev;

	if (is_dispatcher(program))
		assess_remedy(assessment, "xdp-loader unload -a %s", dev);
	else if (program->link_id)
		assess_remedy(assessment, "bpftool link detach id %u", program->link_id);
	else if (!program->name[0])
		assess_remedy(assessment, "turnpike probe dev %s", dev);
	else
		assess_remedy(assessment, "ip link set dev %s %s off", dev,
			      program->mode == TURNPIKE_MODE_XDP_NATIVE ? "xdpdrv" : "xdpgeneric");
}

bool assess_has_dispatcher(const struct turnpike_facts *facts)
{
	__u32 i;

	for (i = 0; i < facts->n_programs; i++)
		if (is_dispatcher(&facts->programs[i]))
			return true;
	return false;
}

/* Can the candidate be a component of this program? */
static bool is_joined(const struct assessment *assessment, const struct turnpike_program *program)
{
	return assessment->ret->hook == TURNPIKE_HOOK_DISPATCHER &&
	       assessment->port == assessment->facts && program->mode == assessment->ret->mode &&
	       (is_dispatcher(program) || assessment->policy->in_dispatcher);
}

static void reject_program(struct assessment *assessment, const struct turnpike_program *program)
{
	if (is_relay(program)) {
		assess(assessment, TURNPIKE_REJECTED,
		       "another turnpike already relays on it (program %u)", program->id);
		return;
	}
	if (assess(assessment, TURNPIKE_REJECTED, "program %u%s%s%s is already attached to %s",
		   program->id, program->name[0] ? " '" : "", program->name,
		   program->name[0] ? "'" : "", turnpike_mode_name(program->mode)))
		remedy_program(assessment, program);
}

/* Native and generic XDP exclude each other: dev_xdp_attach() of net/core/dev.c. */
void assess_owner(struct assessment *assessment)
{
	const struct turnpike_facts *port = assessment->port;
	const struct turnpike_program *program = port->programs;
	__u32 i;

	if (assessment->ret->hook == TURNPIKE_HOOK_DISPATCHER && port == assessment->facts)
		assess(assessment, TURNPIKE_USABLE, "by a dispatcher of libxdp");
	for (i = 0; i < port->n_programs; i++, program++)
		if (program->hook == TURNPIKE_HOOK_XDP && !assess_is_own(assessment, program) &&
		    !is_joined(assessment, program))
			reject_program(assessment, program);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <turnpike/turnpike.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/table.h"

/** A tenth of the kernel's limit, because other kernels need more for the same program. */
#define VERIFIED_MAX 100000

static const struct table_column columns[] = {
	{ "program", TABLE_TEXT }, { "mode", TABLE_TEXT },       { "moves", TABLE_TEXT },
	{ "insns", TABLE_NUMBER }, { "verified", TABLE_NUMBER }, { "stack", TABLE_NUMBER },
	{ "jited", TABLE_NUMBER }, { "result", TABLE_TEXT },     { 0 },
};

static const char *result_of(const struct turnpike_variant *variant)
{
	if (variant->error)
		return strerror(-variant->error);
	return variant->verified_insns > VERIFIED_MAX ? "too long" : "ok";
}

static int add_variant(const struct turnpike_variant *variant, void *programs)
{
	return json_array_append_new(
		programs,
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "program", variant->program,
			  "mode", turnpike_mode_name(variant->mode), "moves",
			  turnpike_moves_name(variant->moves), "insns", (json_int_t)variant->insns,
			  "verified", (json_int_t)variant->verified_insns, "stack",
			  (json_int_t)variant->stack_bytes, "jited",
			  (json_int_t)variant->jited_bytes, "result", result_of(variant)));
}

static void print_programs(const json_t *document)
{
	table_print(columns, json_object_get(document, "programs"));
}

static unsigned int count_bad(const json_t *programs)
{
	unsigned int bad = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(programs, i, row)
		bad += strcmp(json_string_value(json_object_get(row, "result")), "ok") != 0;
	return bad;
}

static enum cli_status verify(const struct query *query, json_t *programs)
{
	int err = turnpike_verify(add_variant, programs);
	json_t *document = json_pack("{s:O}", "programs", programs);
	unsigned int bad = count_bad(programs);

	query_print(query, document, print_programs);
	json_decref(document);
	if (err)
		log_error("%s", turnpike_error(NULL));
	else if (bad)
		log_error("%u programs exceed %d verified instructions", bad, VERIFIED_MAX);
	return err || bad ? CLI_ERROR : CLI_OK;
}

enum cli_status command_verify(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike verify",
		.doc = "Load every program in every configuration, which has the kernel verify it, "
		       "without attaching it.",
		.options = options,
	};
	struct query query = { 0 };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);
	json_t *programs;

	if (status != CLI_OK)
		return status;
	programs = json_array();
	status = verify(&query, programs);
	json_decref(programs);
	return status;
}

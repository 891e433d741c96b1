/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "metrics/exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "stun/opaque_string.h"

/**
 * struct type - how a type is named
 * @text:        in the text format
 * @openmetrics: in OpenMetrics
 * @suffix:      of the samples' name, which the name of the metric lacks in OpenMetrics
 */
struct type {
	const char *text;
	const char *openmetrics;
	const char *suffix;
};

static const struct type types[] = {
	[METRIC_COUNTER] = { "counter", "counter", "_total" },
	[METRIC_GAUGE] = { "gauge", "gauge", "" },
	[METRIC_INFO] = { "gauge", "info", "_info" },
	[METRIC_ALIAS] = { "counter", "unknown", "" },
};

const char *exposition_type(bool is_openmetrics)
{
	return is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			      : "text/plain; version=0.0.4; charset=utf-8";
}

__attribute__((format(printf, 2, 3))) static void print(struct exposition *exposition,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (evbuffer_add_vprintf(exposition->output, format, arguments) < 0)
		exposition->failed = true;
	va_end(arguments);
}

void exposition_metric(struct exposition *exposition, const char *name, enum metric_type type,
		       const char *help)
{
	const bool is_openmetrics = exposition->is_openmetrics;
	const size_t suffix = is_openmetrics ? strlen(types[type].suffix) : 0;
	const int len = (int)(strlen(name) - suffix);

	exposition->name = name;
	print(exposition, "# HELP %.*s %s.\n", len, name, help);
	print(exposition, "# TYPE %.*s %s\n", len, name,
	      is_openmetrics ? types[type].openmetrics : types[type].text);
}

/*
 * Both formats escape three characters, and consist of UTF-8. Names of devices and files may be any
 * bytes, and one that is not UTF-8 must not cost the whole document.
 */
static void print_value(struct exposition *exposition, const char *value)
{
	const bool is_utf8 = stun_is_utf8(value, strlen(value));

	for (; *value; value++) {
		if (*value == '\n')
			print(exposition, "\\n");
		else if (*value == '\\' || *value == '"')
			print(exposition, "\\%c", *value);
		else
			print(exposition, "%c", is_utf8 || (signed char)*value > 0 ? *value : '?');
	}
}

void exposition_sample(struct exposition *exposition, const struct metric_label *labels, size_t n,
		       uint64_t value)
{
	print(exposition, "%s", exposition->name);
	for (size_t i = 0; i < n; i++) {
		print(exposition, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
		print_value(exposition, labels[i].value);
		print(exposition, "\"");
	}
	print(exposition, "%s %" PRIu64 "\n", n > 0 ? "}" : "", value);
}

int exposition_end(struct exposition *exposition)
{
	if (exposition->is_openmetrics)
		print(exposition, "# EOF\n");
	return exposition->failed ? -ENOMEM : 0;
}

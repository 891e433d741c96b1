/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/kernel_changes.h"

#include <string.h>

#include "private/array_len.h"

/* Packets that were relayed, or that are no data for the relay: that the stack gets them is normal.
 */
static bool is_normal(enum turnpike_verdict verdict)
{
	static const enum turnpike_verdict normal[] = { TURNPIKE_NOT_IP,  TURNPIKE_OTHER_HOST,
							TURNPIKE_NOT_UDP, TURNPIKE_NOT_OURS,
							TURNPIKE_CONTROL, TURNPIKE_CHECKED };

	if (turnpike_verdict_is(verdict, TURNPIKE_KIND_RELAY) ||
	    turnpike_verdict_is(verdict, TURNPIKE_KIND_NOTE))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(normal); i++) {
		if (normal[i] == verdict)
			return true;
	}
	return false;
}

static uint64_t packets_before(const struct kernel_look *look, const struct kernel_count *count)
{
	for (size_t i = 0; i < look->n_counts; i++) {
		const struct kernel_count *each = &look->counts[i];

		if (each->verdict == count->verdict && each->direction == count->direction &&
		    each->mode == count->mode && strcmp(each->dev, count->dev) == 0)
			return each->traffic.packets;
	}
	return 0;
}

static const struct turnpike_status *device_before(const struct kernel_look *look, const char *dev)
{
	for (size_t i = 0; i < look->n_devices; i++) {
		if (strcmp(look->devices[i].dev, dev) == 0)
			return &look->devices[i];
	}
	return NULL;
}

static bool has_changed(const struct turnpike_status *before, const struct turnpike_status *now)
{
	return !before || before->mode != now->mode || before->moves != now->moves ||
	       before->hook != now->hook;
}

static void show_packets(const struct kernel_count *count, uint64_t packets,
			 void (*show)(void *arg, struct log_line *line), void *arg)
{
	const struct log_field fields[] = {
		{ .name = "dev", .text = count->dev },
		{ .name = "mode", .text = turnpike_mode_name(count->mode) },
		{ .name = "direction", .text = turnpike_direction_name(count->direction) },
		{ .name = "verdict", .text = turnpike_verdict_name(count->verdict) },
		{ .name = "packets", .number = packets },
	};
	struct log_line line = { .level = LOG_DEBUG,
				 .event = "kernel",
				 .message = turnpike_verdict_text(count->verdict),
				 .fields = fields,
				 .n_fields = ARRAY_LEN(fields) };

	show(arg, &line);
}

static void show_mode(const struct turnpike_status *status,
		      void (*show)(void *arg, struct log_line *line), void *arg)
{
	const struct log_field fields[] = {
		{ .name = "dev", .text = status->dev },
		{ .name = "mode", .text = turnpike_mode_name(status->mode) },
		{ .name = "moves", .text = turnpike_moves_name(status->moves) },
		{ .name = "hook", .text = turnpike_hook_name(status->hook) },
		{ .name = "why", .text = status->why },
	};
	struct log_line line = { .level = LOG_INFO,
				 .event = "mode",
				 .message = "device has a new mode",
				 .fields = fields,
				 .n_fields = ARRAY_LEN(fields) };

	show(arg, &line);
}

void kernel_show_changes(const struct kernel_look *before, const struct kernel_look *now,
			 void (*show)(void *arg, struct log_line *line), void *arg)
{
	for (size_t i = 0; i < now->n_devices; i++) {
		const struct turnpike_status *device = &now->devices[i];

		if (has_changed(device_before(before, device->dev), device))
			show_mode(device, show, arg);
	}
	for (size_t i = 0; i < now->n_counts; i++) {
		const struct kernel_count *count = &now->counts[i];
		const uint64_t old = packets_before(before, count);

		if (!is_normal(count->verdict) && count->traffic.packets > old)
			show_packets(count, count->traffic.packets - old, show, arg);
	}
}

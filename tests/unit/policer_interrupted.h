/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_POLICER_INTERRUPTED_H
#define TURNPIKE_POLICER_INTERRUPTED_H

#include <linux/types.h>
#include <stdbool.h>

struct turnpike_policer;

/** charge_interrupted() - turnpike_policer_charge() into @ret; returns the failed exchanges */
int charge_interrupted(struct turnpike_policer *policer, __u64 now, __u32 bytes, bool *ret);

#endif /* TURNPIKE_POLICER_INTERRUPTED_H */

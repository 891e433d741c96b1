/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policer.h with a compare-and-swap that always fails. */
#include "policer_interrupted.h"

static int tries;

#define __sync_val_compare_and_swap(where, old, new) ((void)(new), tries++, (old) + 1)

#include <turnpike/policer.h>

int charge_interrupted(struct turnpike_policer *policer, __u64 now, __u32 bytes, bool *ret)
{
	tries = 0;
	*ret = turnpike_policer_charge(policer, now, bytes);
	return tries;
}

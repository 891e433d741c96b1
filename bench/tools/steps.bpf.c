// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The step after which the relay's programs end packets: see programs/stop.h. */
#include "stop.h"

const volatile __u32 last_step = STEP_ALL;

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file descriptors.h
 * The file descriptors of this process. Each relayed transport address and connection needs one.
 */
#ifndef TURNPIKE_METRICS_DESCRIPTORS_H
#define TURNPIKE_METRICS_DESCRIPTORS_H

#include "turn/types.h"

/** descriptors_use() - how many are open, and how many may be; zero if that cannot be found out */
struct turn_use descriptors_use(void);

#endif /* TURNPIKE_METRICS_DESCRIPTORS_H */

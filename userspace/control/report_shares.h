/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report_shares.h
 * How full the tables of the kernel path are, and the largest part of each that one user has.
 */
#ifndef TURNPIKE_CONTROL_REPORT_SHARES_H
#define TURNPIKE_CONTROL_REPORT_SHARES_H

#include <jansson.h>

#include "datapath/datapath.h"

/** report_shares() - an object by table; empty without BPF */
json_t *report_shares(struct datapath *datapath);

/** report_share_use(), report_policers_use() - how full a table is; zero without BPF */
struct turn_use report_share_use(struct datapath *datapath, enum share what);
struct turn_use report_policers_use(struct datapath *datapath);

/** report_shares_waiting() - number of channels that wait for the share of their user */
uint64_t report_shares_waiting(struct datapath *datapath);

#endif /* TURNPIKE_CONTROL_REPORT_SHARES_H */

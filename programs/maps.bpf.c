// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Defines all data of the relay programs: maps, constants and licence. */
#include "maps.h"

struct ports_map ports SEC(".maps");
struct flows4_map flows4 SEC(".maps");
struct flows6_map flows6 SEC(".maps");
struct sends_map sends SEC(".maps");
struct nexthops_map nexthops SEC(".maps");
struct devices_map devices SEC(".maps");
struct counters_map counters SEC(".maps");
struct policers_map policers SEC(".maps");
struct events_map events SEC(".maps");
struct samples_map samples SEC(".maps");

const volatile struct turnpike_config config = { .version = TURNPIKE_ABI_VERSION };

char LICENSE[] SEC("license") = "Dual BSD/GPL";

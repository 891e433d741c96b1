/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/types.h"

const char *const turn_transport_names[TURN_TRANSPORTS] = {
	[TURN_UDP] = "udp",
	[TURN_TCP] = "tcp",
	[TURN_TLS] = "tls",
	[TURN_DTLS] = "dtls",
};

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file helper_hello.h
 * The first messages between a server and `turnpike helper`. libturnpike's own follow.
 */
#ifndef TURNPIKE_SERVE_HELPER_HELLO_H
#define TURNPIKE_SERVE_HELPER_HELLO_H

#include <netinet/in.h>
#include <stdint.h>

#define HELLO_VERSION_MAX 16

/** struct hello - of the server; @ports: by number, 1: the broker shall bind to it */
struct hello {
	char version[HELLO_VERSION_MAX];
	uint8_t ports[IPPORT_RESERVED];
};

/**
 * struct welcome - the helper's answer, with the socket of the broker unless @broker is 0
 * @err:     0; -EPROTO: another version; or another negative errno
 * @version: of the helper
 * @broker:  process id
 */
struct welcome {
	char version[HELLO_VERSION_MAX];
	int32_t err;
	int32_t broker;
};

#endif /* TURNPIKE_SERVE_HELPER_HELLO_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn_users.h"

struct turn_credentials *no_users(void)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	return credentials;
}

void use_credentials(struct fixture *f, struct turn_credentials *credentials)
{
	turn_server_set_credentials(f->server, credentials);
	turn_credentials_put(credentials);
}

struct turn_credentials *with_secret(const char *secret)
{
	struct turn_credentials *credentials = no_users();

	assert_int_equal(turn_credentials_add_secret(credentials, secret), 0);
	return credentials;
}

void allocate_at(struct fixture *f, uint16_t port, const struct credentials *user)
{
	from_port(f, port);
	allocate_as(f, user, STUN_FAMILY_IPV4);
}

void refresh_as(struct fixture *f, const struct credentials *user, uint32_t lifetime)
{
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, lifetime);
	send_signed(f, user);
}

void permit_as(struct fixture *f, const struct credentials *user)
{
	struct turnpike_addr peer = addr("198.51.100.1");

	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	send_signed(f, user);
}

void expect_signed_error(struct fixture *f, const struct credentials *user, int code)
{
	struct stun_message msg = response(f);

	expect_error(f, code);
	assert_int_equal(stun_check_integrity(&msg, user->hmac), 0);
}

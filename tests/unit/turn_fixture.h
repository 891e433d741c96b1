/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_fixture.h
 * A TURN server with a fake clock and an owner that records all operations.
 *
 * In every test the owner also checks the invariants of its operations: a relay address is open at
 * most once, a flow belongs to an open relay, neither its channel nor its peer is installed twice,
 * a relay is closed after its flows are removed, limits are freed after that, and nothing is left
 * at the end.
 */
#ifndef TURNPIKE_TURN_FIXTURE_H
#define TURNPIKE_TURN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stun/message.h"
#include "stun/writer.h"
#include "turn/auth/credentials.h"
#include "turn/turn.h"

#define SECOND     1000000000ull
#define REST       (120 * SECOND) /* of a port */
#define MAX_EVENTS 512
#define MAX_RELAYS 64
#define MAX_FLOWS  256
#define MAX_DATA   2048
#define MAX_LOGGED 32

enum event_kind {
	SEND_CLIENT = 1,
	SEND_PEER,
	OPEN_RELAY,
	CLOSE_RELAY,
	INSTALL_FLOW,
	REMOVE_FLOW,
};

/** shared_secret - for turn_shared_new() */
extern const uint8_t shared_secret[TURN_SECRET_LEN];

struct event {
	enum event_kind kind;
	struct turn_tuple tuple;
	struct turnpike_addr addr;  /* the peer for SEND_PEER, else the relay */
	struct turnpike_addr relay; /* SEND_PEER only */
	struct turn_flow flow;
	bool dont_fragment; /* SEND_PEER only */
	uint8_t data[MAX_DATA];
	size_t len;
};

/* A copy of struct turn_event, with everything that it points to. */
struct logged {
	enum turn_event_kind kind;
	uint64_t id;
	struct turn_tuple tuple;
	char username[STUN_USERNAME_MAX + 1];
	struct turnpike_addr relay; /* family 0: none */
	struct turnpike_addr peer;
	uint32_t lifetime;
	uint16_t channel;
	enum turn_method method;
	int code;
	enum turn_reason reason;
	const char *why;
	uint64_t age_ns;
	struct turn_traffic traffic[TURN_DIRECTIONS];
	struct turn_traffic in_kernel[TURN_DIRECTIONS];
};

struct fake_relay {
	struct turnpike_addr addr;
	struct turn_relay *relay; /* NULL: closed */
};

/* How many bytes an allocation may still relay; created if f->limited is set. */
struct fake_limits {
	size_t left[2]; /* by enum turn_direction */
	bool used;
};

/* How a client signs its requests. */
struct credentials {
	const char *name;
	struct stun_hmac *hmac;
	enum stun_password_algorithm algorithm; /* 0: as in RFC 5389 */
	bool userhash;
};

struct fixture {
	struct turn_server *server;
	uint64_t now;
	struct event events[MAX_EVENTS];
	size_t n_events;
	struct logged logged[MAX_LOGGED]; /* a ring */
	size_t n_logged;
	void (*on_event)(void *arg, const struct turn_event *event, uint64_t now); /* or NULL */
	void *on_event_arg;
	struct fake_relay relays[MAX_RELAYS];
	struct turn_flow flows[MAX_FLOWS];
	size_t n_flows;
	int open_error;    /* for the next @open_failures calls */
	int open_failures; /* negative: for all calls */
	int install_error;
	uint64_t reach_until; /* the answer to turn_ops.reach */
	size_t n_reach;       /* calls of it */
	bool again;           /* of the last one */
	const char *blocked;  /* an account; NULL: none */
	bool is_watched;      /* whether turn_ops.is_watched */
	bool limited;
	int limit_error;
	struct fake_limits limits[MAX_RELAYS];
	uint32_t random;
	struct turn_tuple tuple; /* source of the next message */
	struct credentials alice, bob;
	struct stun_writer request;
	uint8_t request_buf[2048];
	uint32_t transactions;
	uint8_t nonce[128];
	size_t nonce_len;
	uint8_t algorithms[16]; /* PASSWORD-ALGORITHMS of the nonce's challenge */
	size_t algorithms_len;
	uint64_t unix_time;
	uint8_t ttl; /* of input; 0: it has none */
};

struct turnpike_addr addr(const char *text);

/* Free its hmac with stun_hmac_free(). Algorithm 0: as in RFC 5389. */
struct credentials make_credentials(const char *name, const char *password,
				    enum stun_password_algorithm algorithm);

/* The relays are 192.0.2.1 and 2001:db8::1; each user has a quota of 3. */
void fixture_config(struct turn_config *config);
/* The users are alice, with the password "secret", and bob, with "hidden". */
struct fixture *fixture_new(const struct turn_config *config);
struct fixture *fixture_default(void);
/* One with at most four other servers, to which it redirects clients. */
struct fixture *fixture_with_alternates(const char *const *alternates, size_t n);
void fixture_free(struct fixture *f);
const struct turn_stats *stats(const struct fixture *f);
/* Discards the recorded events. */
void clear(struct fixture *f);
/* The events since clear() are exactly these; 0 ends the list. */
void expect_events(const struct fixture *f, ...);
/* The only datagram since clear() is of this kind, by an indication; it may have begun a pair. */
void expect_indicated(const struct fixture *f, enum event_kind kind);
/* The same, to @peer. */
void expect_to_peer(const struct fixture *f, const char *peer, const void *data, size_t len);
const struct event *event(const struct fixture *f, size_t index);
/* The only turn_event since clear(). */
const struct logged *only_logged(const struct fixture *f);
void expire_at(struct fixture *f, uint64_t now);
struct turn_relay *relay_at(const struct fixture *f, const char *relay);
/* The limits of the only allocation with limits. */
struct fake_limits *only_limits(struct fixture *f);

/* Input, in a buffer exactly as large as promised, so that ASan finds accesses beyond it. */
void from_client(struct fixture *f, const void *data, size_t len);
void from_peer(struct fixture *f, const char *relay, const char *peer, const void *data,
	       size_t len);

/* An ICMP error about a datagram from @relay to @peer. */
void icmp_about(struct fixture *f, const char *relay, const char *peer, uint8_t type, uint8_t code,
		uint32_t mtu);

/* Begins a request; send_plain() or send_signed() sends it. */
void begin(struct fixture *f, enum stun_class class, enum stun_method method);
/* Begins an Allocate request with REQUESTED-TRANSPORT. */
void begin_allocate(struct fixture *f);
/* Sends further requests from another port of the client. */
void from_port(struct fixture *f, uint16_t port);
/* Sends the current request; again, if there is no new one. */
void send_plain(struct fixture *f);
/* Gets a nonce first if there is none. */
void send_signed(struct fixture *f, const struct credentials *user);
/* The only message to the client since clear(), parsed; it must answer the last request. */
struct stun_message response(const struct fixture *f);
void expect_error(const struct fixture *f, int code);
void expect_success(const struct fixture *f, const struct credentials *user);
bool response_has(const struct fixture *f, enum stun_attr_type type);
/* The response has an attribute with exactly this text. */
void expect_response_text(const struct fixture *f, enum stun_attr_type type, const char *text);
uint32_t response_u32(const struct fixture *f, enum stun_attr_type type);
struct turnpike_addr response_addr(const struct fixture *f, enum stun_attr_type type);
/* The relayed transport address of a family; family 0 if there is none. */
struct turnpike_addr response_relayed(const struct fixture *f, enum turnpike_family family);

void begin_send(struct fixture *f, const char *peer);
/* Discards the recorded events and sends a Send indication. */
void send_indication(struct fixture *f, const char *peer, const char *data);
/* The only datagram since clear() is a Data indication from @peer to the client. */
void expect_data_indication(const struct fixture *f, const char *peer, const void *data,
			    size_t len);

/* Whole transactions of alice. They call clear() first. */
void allocate(struct fixture *f);
void allocate_as(struct fixture *f, const struct credentials *user, enum stun_family family);
/* Requests both families. */
void allocate_both(struct fixture *f);
void refresh(struct fixture *f, uint32_t lifetime);
/* Ends the allocation, and waits until its ports have rested. */
void release(struct fixture *f);
void create_permission(struct fixture *f, const char *peer);
void channel_bind(struct fixture *f, uint16_t number, const char *peer);

#endif /* TURNPIKE_TURN_FIXTURE_H */

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file sighting.h
 * Test vectors of the observer. In each, a sample is taken, a packet leaves, and the flow must end
 * up in the expected state. The observer must change neither the packet nor the counters.
 */
#ifndef TURNPIKE_TESTS_PACKETS_SIGHTING_H
#define TURNPIKE_TESTS_PACKETS_SIGHTING_H

#include "vector.h"

/** Values of data_len in the tables: 0 means SOME_DATA bytes, and NO_DATA means none. */
#define SOME_DATA 50
#define NO_DATA   0xffff

/** What becomes of the flow. */
enum effect {
	EFFECT_NONE,
	EFFECT_CONFIRMED,
	EFFECT_DSCP,    /* confirmed for one more DSCP */
	EFFECT_ENDED,   /* not confirmed any more; the observation says why */
	EFFECT_NOTICED, /* the observation is written only */
};

/** The source of the packet. */
enum source {
	SOURCE_FLOWS, /* that of the flow */
	SOURCE_OTHER_ADDRESS,
	SOURCE_OTHER_PORT,
	SOURCE_NO_ROLE, /* a port without a role */
};

/** The socket that sends the packet. Without one, any may. */
enum socket {
	SOCKET_ANY, /* none, and the server's */
	SOCKET_NONE,
	SOCKET_SERVER,
	SOCKET_TCP, /* with the server's port */
	SOCKET_REQUEST,
	SOCKET_OTHER, /* with a port without a role */
};

/**
 * struct sighting - the packet is that of the flow, but for what is set here
 * @like:      @in: the packet; @flow: DIR_NONE: each of them; @hop, @tagging, @confirmation.state,
 *             @tries and @life: the flow before; @expired; @only; @framings: FRAMING_CHANNEL: all
 * @other_dst: another destination, which is in no flow
 * @other_data: the sample is of other data
 * @response:  a STUN response, not data
 * @forwarded: the packet came in by a device
 * @age:       of the sample, ns; negative: of the future
 * @in_by:     device that the sample came in by, if not the default
 * @more:      the sample is of another DSCP
 * @spent:     the sample is deleted, although it has no effect
 * @observation: with EFFECT_ENDED
 */
struct sighting {
	struct vector like;
	enum effect effect;
	enum turnpike_observation observation;
	enum source source;
	enum socket socket;
	bool other_dst;
	bool other_data;
	bool response;
	bool forwarded;
	bool more;
	bool spent;
	__u32 in_by;
	long long age;
};

struct sightings {
	const struct sighting *of;
	size_t len;
};

extern const struct sightings seen_same;        /* as the flow says */
extern const struct sightings seen_indications; /* Data indications */
extern const struct sightings seen_other;       /* the stack did something else */
extern const struct sightings seen_hidden;      /* of which only the socket is known */
extern const struct sightings seen_foreign;     /* which say nothing about a flow */

/** The testbed of the observer, and how many packets it has seen. */
extern struct testbed *opened;
extern int compared;

/**
 * struct run - one sighting with all that it needs
 * @vector: that of the sighting
 * @cut:    truncate the frame to this length; 0: do not
 * @hidden: only the socket is known
 */
struct run {
	const struct sighting *sighting;
	enum turnpike_direction direction;
	struct families pair;
	enum socket socket;
	struct vector vector;
	struct frame out;
	__u8 bytes[FRAME_MAX];
	__u32 len;
	struct encoded_flow flow;
	struct sample samples[SAMPLE_ELEMENTS];
	__u32 gso_size;
	__u32 cut;
	bool hidden;
};

/** l4_offset() - where the UDP header of a frame is */
__u32 l4_offset(const struct frame *frame);

/* The parts of observe(). The last two return whether all is as expected. */
void install(const struct run *run);
int send_packet(const struct run *run, struct test_run *ret);
bool is_unnoticed(const struct run *run, const struct test_run *test);
bool same_samples(const struct run *run);

/** observe() - run it once. Return: 0, or 1: it has failed, and stderr has the details */
int observe(const struct run *run);

/** run_sockets() - run it with each socket that it allows. Return: how many have failed */
int run_sockets(struct run *run);

/** run_hidden() - the same, and only the socket is known */
int run_hidden(struct run *run);

/** run_each() - run @test for each direction, framing and pair of families. Return: how many have
 * failed */
int run_each(const struct sighting *sighting, int (*test)(struct run *run));

#endif /* TURNPIKE_TESTS_PACKETS_SIGHTING_H */

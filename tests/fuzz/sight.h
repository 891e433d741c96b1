/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file sight.h
 * Turns the bytes of a fuzzer into a packet that leaves, a sample and the state of the flow, and
 * predicts what the observer does.
 */
#ifndef TURNPIKE_TESTS_FUZZ_SIGHT_H
#define TURNPIKE_TESTS_FUZZ_SIGHT_H

#include "sample.h"
#include "scenario.h"

/** The socket that sends the packet. */
enum socket {
	SOCKET_NONE,
	SOCKET_SERVER,
	SOCKET_TCP,     /* with the server's port */
	SOCKET_REQUEST, /* not a full socket */
	SOCKET_OTHER,   /* with a port without a role */
	SOCKETS,
};

/** Parts of the frame to repair, so that it is that of the flow. */
enum mend {
	MEND_MACS = 1 << 0, /* and the Ethernet type */
	MEND_IP = 1 << 1,   /* version, header length, fragment offset, protocol */
	MEND_SOURCE = 1 << 2,
	MEND_DESTINATION = 1 << 3,
	MEND_SPORT = 1 << 4,
	MEND_DPORT = 1 << 5,
	MEND_FRAMING = 1 << 6, /* channel number; attributes of a Data indication */
	MEND_PEER = 1 << 7,    /* in a Data indication; otherwise it is another one */
};

/** struct sight - follows struct scenario, whose state it uses; the frame follows */
struct sight {
	__u8 mend;        /* enum mend */
	__u8 socket;      /* enum socket */
	__u8 forwarded;   /* bit 0 */
	__u8 gso_size[2]; /* 0: no super-packet */
	__u8 segment;     /* the datagram that was sampled */
	__u8 age;         /* of the sample, in steps of 10 ms; 255: of the future */
	__u8 more;        /* bit 0: the sample is of another DSCP */
	__u8 tos;         /* of the sample */
	__u8 random;
	__u8 beyond; /* a Data indication is as much longer than the frame, in steps of 4 bytes */
};

/** Why a packet has no effect, or which effect it has. */
enum ending {
	END_FORWARDED,
	END_SOCKET,   /* of another socket */
	END_FRAGMENT, /* and IPv4 options */
	END_NOT_UDP,  /* and the socket is not known */
	END_NO_ROLE,
	END_CONTROL,
	END_UNKNOWN,    /* no sample */
	END_STALE,      /* old sample, or nothing to compare it with */
	END_OTHER_PEER, /* the sample of an indication from another peer */
	END_DSCP,       /* of a flow that is not confirmed, or not as the flow says */
	END_ADDED,      /* confirmed for a DSCP */
	END_EXPIRED,
	END_CONFIRMED,
	END_DIFFERS,
	END_HIDDEN,
	ENDS,
};

/** struct sighted - a decoded input, and the expected outcome */
struct sighted {
	struct situation s;
	enum socket socket;
	bool forwarded;
	__u32 gso_size;
	__u8 random;
	struct sample samples[SAMPLE_ELEMENTS];

	enum ending ending;
	enum turnpike_observation observation; /* DIFFERS, HIDDEN */
	bool found;                            /* the sample is deleted */
	struct turnpike_flow after;
};

/** sight_read() - decode an input. Return: false if it is impossible */
bool sight_read(const __u8 *data, size_t size, struct sighted *ret);

/** sight_predict() - set the expected outcome */
void sight_predict(struct sighted *sighted);

#endif /* TURNPIKE_TESTS_FUZZ_SIGHT_H */

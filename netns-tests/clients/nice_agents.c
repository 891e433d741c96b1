// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Two ICE agents made of libnice, each in a network namespace of its own, which may use nothing but
 * relay candidates: one sends messages of many sizes, the other echoes, and both compare.
 *
 *	nice_agents TRANSPORT SERVER PORT USER PASSWORD NETNS ADDRESS NETNS ADDRESS MESSAGES
 *
 * TRANSPORT is udp or tcp, ADDRESS that of the agent. Prints how both reach each other and how many
 * messages came back the same; ends with status 1 if not all do.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <nice/agent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPONENT        1
#define PATIENCE_SECONDS 20
#define LARGEST          1200

struct side {
	NiceAgent *agent;
	guint stream;
	gboolean gathered;
	gboolean ready;
	gboolean closed;
};

static GMainLoop *loop;
static struct side sides[2]; /* the one that sends, and the one that echoes */
static guint same, messages;
static guint8 sent[LARGEST];
static gsize sent_size;

static void fail(const char *why)
{
	fprintf(stderr, "after %u messages: %s\n", same, why);
	exit(1);
}

static gboolean out_of_time(gpointer data)
{
	(void)data;
	fail("out of time");
	return G_SOURCE_REMOVE;
}

static void closed(GObject *agent, GAsyncResult *result, gpointer data)
{
	struct side *side = data;

	(void)agent;
	(void)result;
	side->closed = TRUE;
	if (sides[0].closed && sides[1].closed)
		g_main_loop_quit(loop);
}

/* Gives the allocations back. */
static void close_both(void)
{
	for (int i = 0; i < 2; i++)
		nice_agent_close_async(sides[i].agent, closed, &sides[i]);
}

static void send_bytes(const struct side *side, const void *bytes, gsize size)
{
	if (nice_agent_send(side->agent, side->stream, COMPONENT, (guint)size, bytes) != (gint)size)
		fail("cannot send");
}

static void send_next(void)
{
	sent_size = 1 + same * 37 % LARGEST;
	for (gsize i = 0; i < sent_size; i++)
		sent[i] = (guint8)g_random_int();
	send_bytes(&sides[0], sent, sent_size);
}

static void receive(NiceAgent *agent, guint stream, guint component, guint size, gchar *bytes,
		    gpointer data)
{
	const struct side *side = data;

	(void)agent;
	(void)stream;
	(void)component;
	if (size != sent_size || memcmp(bytes, sent, size) != 0)
		fail("something else arrived");
	if (side == &sides[1]) {
		send_bytes(side, bytes, size);
		return;
	}
	if (++same == messages)
		close_both();
	else
		send_next();
}

static const char *kind(const NiceCandidate *candidate)
{
	return candidate->type == NICE_CANDIDATE_TYPE_RELAYED ? "relay" : "another";
}

static void print_path(void)
{
	NiceCandidate *local, *remote;

	if (!nice_agent_get_selected_pair(sides[0].agent, sides[0].stream, COMPONENT, &local,
					  &remote))
		fail("no pair of candidates is selected");
	printf("path %s %s\n", kind(local), kind(remote));
}

static void state_changed(NiceAgent *agent, guint stream, guint component, guint state,
			  gpointer data)
{
	struct side *side = data;

	(void)agent;
	(void)stream;
	(void)component;
	if (state == NICE_COMPONENT_STATE_FAILED)
		fail("ICE has failed");
	if (state != NICE_COMPONENT_STATE_READY || side->ready)
		return;
	side->ready = TRUE;
	if (sides[0].ready && sides[1].ready) {
		print_path();
		send_next();
	}
}

static void gathered(NiceAgent *agent, guint stream, gpointer data)
{
	struct side *side = data;

	(void)agent;
	(void)stream;
	side->gathered = TRUE;
	if (!sides[0].gathered || !sides[1].gathered)
		return;
	for (int i = 0; i < 2; i++) {
		gchar *sdp = nice_agent_generate_local_sdp(sides[i].agent);

		if (nice_agent_parse_remote_sdp(sides[!i].agent, sdp) <= 0)
			fail("there are no candidates");
		g_free(sdp);
	}
}

/* The sockets of an agent are opened while it gathers. */
static void enter(const char *netns)
{
	gchar *path = g_strdup_printf("/run/netns/%s", netns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail("cannot enter the namespace");
	close(fd);
	g_free(path);
}

static void start(struct side *side, gboolean controlling, const char *address_text, char **server)
{
	NiceRelayType type =
		strcmp(server[0], "tcp") ? NICE_RELAY_TYPE_TURN_UDP : NICE_RELAY_TYPE_TURN_TCP;
	NiceAddress *address = nice_address_new();

	side->agent = nice_agent_new(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245);
	g_object_set(side->agent, "controlling-mode", controlling, "force-relay", TRUE, "upnp",
		     FALSE, NULL);
	if (!nice_address_set_from_string(address, address_text) ||
	    !nice_agent_add_local_address(side->agent, address))
		fail("no such address");
	nice_address_free(address);
	side->stream = nice_agent_add_stream(side->agent, 1);
	nice_agent_set_stream_name(side->agent, side->stream, "application");
	g_signal_connect(side->agent, "candidate-gathering-done", G_CALLBACK(gathered), side);
	g_signal_connect(side->agent, "component-state-changed", G_CALLBACK(state_changed), side);
	if (!nice_agent_set_relay_info(side->agent, side->stream, COMPONENT, server[1],
				       (guint)atoi(server[2]), server[3], server[4], type) ||
	    !nice_agent_attach_recv(side->agent, side->stream, COMPONENT,
				    g_main_loop_get_context(loop), receive, side) ||
	    !nice_agent_gather_candidates(side->agent, side->stream))
		fail("cannot gather candidates");
}

int main(int argc, char **argv)
{
	if (argc != 11) {
		fprintf(stderr,
			"usage: nice_agents TRANSPORT SERVER PORT USER PASSWORD NETNS ADDRESS "
			"NETNS ADDRESS MESSAGES\n");
		return 2;
	}
	messages = (guint)atoi(argv[10]);
	loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add_seconds(PATIENCE_SECONDS, out_of_time, NULL);
	for (int i = 0; i < 2; i++) {
		enter(argv[6 + 2 * i]);
		start(&sides[i], i == 0, argv[7 + 2 * i], argv + 1);
	}
	g_main_loop_run(loop);
	for (int i = 0; i < 2; i++)
		g_object_unref(sides[i].agent);
	g_main_loop_unref(loop);
	printf("same %u\n", same);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "base/thread.h"
#include "process/loop.h"

/** With its NUL: PR_SET_NAME of prctl(2). */
#define THREAD_NAME_SIZE 16

/**
 * struct loop - a loop and the calls that wait for it
 * @name:    of the thread
 * @posted:  eventfd that announces calls
 * @lock:    protects @calls
 * @is_own:  @base was created here
 */
struct loop {
	struct event_base *base;
	bool is_own;
	char name[THREAD_NAME_SIZE];
	pthread_t thread;
	bool is_running;
	int posted;
	struct event *on_posted;
	pthread_mutex_t lock;
	struct loop_call *calls;
};

static struct loop_call *take_calls(struct loop *loop)
{
	struct loop_call *calls;

	pthread_mutex_lock(&loop->lock);
	calls = loop->calls;
	loop->calls = NULL;
	pthread_mutex_unlock(&loop->lock);
	return calls;
}

static void on_posted(evutil_socket_t fd, short what, void *arg)
{
	struct loop_call *calls, *call, *next;
	uint64_t times;

	(void)what;
	if (read(fd, &times, sizeof(times)) < 0)
		return;
	calls = take_calls(arg);
	/* A function may post its call anew, or free it. */
	LL_FOREACH_SAFE(calls, call, next)
		call->fn(call->arg);
}

int loop_open(struct event_base *base, struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	pthread_mutex_init(&loop->lock, NULL);
	loop->is_own = !base;
	loop->base = base ? base : event_base_new();
	loop->posted = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->base && loop->posted >= 0)
		loop->on_posted =
			event_new(loop->base, loop->posted, EV_READ | EV_PERSIST, on_posted, loop);
	if (!loop->on_posted || event_add(loop->on_posted, NULL)) {
		loop_close(loop);
		return -ENOMEM;
	}
	*ret = loop;
	return 0;
}

struct event_base *loop_base(const struct loop *loop)
{
	return loop->base;
}

static void *run(void *arg)
{
	const struct loop *loop = arg;

	prctl(PR_SET_NAME, loop->name);
	if (event_base_dispatch(loop->base)) {
		/* Exit, so that the programs are detached instead of relaying unattended. */
		log_error("the event loop of a thread failed: %s", strerror(errno));
		_exit(EXIT_FAILURE);
	}
	return NULL;
}

int loop_start(struct loop *loop, const char *name)
{
	int err;

	snprintf(loop->name, sizeof(loop->name), "%s", name);
	err = thread_start(&loop->thread, run, loop);
	loop->is_running = !err;
	return err;
}

void loop_post(struct loop *loop, struct loop_call *call)
{
	static const uint64_t once = 1;

	call->next = NULL;
	pthread_mutex_lock(&loop->lock);
	LL_APPEND(loop->calls, call);
	pthread_mutex_unlock(&loop->lock);
	/* The counter of an eventfd cannot overflow here, so this cannot fail. */
	if (write(loop->posted, &once, sizeof(once)) < 0)
		abort();
}

/** struct awaited - a function whose caller waits for it */
struct awaited {
	void (*fn)(void *arg);
	void *arg;
	sem_t is_done;
};

static void call_awaited(void *arg)
{
	struct awaited *awaited = arg;

	awaited->fn(awaited->arg);
	sem_post(&awaited->is_done);
}

void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct awaited awaited = { .fn = fn, .arg = arg };
	struct loop_call call = { .fn = call_awaited, .arg = &awaited };

	if (!loop->is_running) {
		fn(arg);
		return;
	}
	sem_init(&awaited.is_done, 0, 0);
	loop_post(loop, &call);
	while (sem_wait(&awaited.is_done))
		; /* a signal */
	sem_destroy(&awaited.is_done);
}

static void leave(void *base)
{
	event_base_loopbreak(base);
}

void loop_stop(struct loop *loop)
{
	struct loop_call call = { .fn = leave, .arg = loop->base };

	if (!loop->is_running)
		return;
	loop_post(loop, &call);
	pthread_join(loop->thread, NULL);
	loop->is_running = false;
}

void loop_close(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->on_posted)
		event_free(loop->on_posted);
	if (loop->posted >= 0)
		close(loop->posted);
	if (loop->is_own && loop->base)
		event_base_free(loop->base);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

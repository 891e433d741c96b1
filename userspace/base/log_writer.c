/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log_writer.h"
#include "base/thread.h"

#define PATIENCE_SECONDS 1

/**
 * enum state
 * @ABSENT:    there is no thread
 * @RUNNING:   it writes
 * @STOPPING:  it must end
 * @ABANDONED: it hangs in write(2), for good
 */
enum state {
	ABSENT,
	RUNNING,
	STOPPING,
	ABANDONED,
};

/**
 * struct writer - the thread, and lines on their way to it
 * @lock:     protects all but @written and @progress
 * @added:    there are lines, or @state has changed
 * @idle:     @is_idle has become true
 * @is_idle:  the thread has written everything, and waits
 * @waiting:  lines that the thread has not taken yet, @used bytes
 * @written:  lines that it writes; only the thread uses it
 * @progress: calls of write(2) that have returned
 * @skipped:  lines that found no room since the last taken ones
 * @lost:     likewise, since the start
 */
static struct writer {
	pthread_mutex_t lock;
	pthread_cond_t added;
	pthread_cond_t idle;
	pthread_t thread;
	enum state state;
	bool is_idle;
	char *waiting;
	size_t used;
	char *written;
	_Atomic uint64_t progress;
	uint64_t skipped;
	uint64_t lost;
	char *(*format_lost)(uint64_t lines);
} writer = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.added = PTHREAD_COND_INITIALIZER,
	.idle = PTHREAD_COND_INITIALIZER,
};

/* stderr may be shared with a program that has made it non-blocking. */
static ssize_t write_some(const char *text, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n = write(STDERR_FILENO, text, len);

	if (n < 0 && errno == EAGAIN && poll(&fd, 1, -1) > 0)
		return 0;
	return n < 0 && errno == EINTR ? 0 : n;
}

/* As many whole lines as a pipe takes at once (pipe(7)), so that processes do not mix theirs. */
static size_t first_lines(const char *lines, size_t len)
{
	const char *end;

	if (len <= PIPE_BUF)
		return len;
	end = memrchr(lines, '\n', PIPE_BUF);
	if (!end)
		end = memchr(lines, '\n', len);
	return end ? (size_t)(end - lines) + 1 : len;
}

void log_write(const char *lines, size_t len)
{
	while (len > 0) {
		size_t left = first_lines(lines, len);

		len -= left;
		while (left > 0) {
			const ssize_t n = write_some(lines, left);

			if (n < 0)
				return;
			lines += n;
			left -= (size_t)n;
			writer.progress++;
		}
	}
}

static void write_lost(uint64_t lines)
{
	char *text = lines ? writer.format_lost(lines) : NULL;

	if (text)
		log_write(text, strlen(text));
	free(text);
}

static bool has_lines(void)
{
	return writer.used || writer.skipped;
}

/* Wait for lines, and exchange the buffers. Return: false if the thread must end. */
static bool take(size_t *used, uint64_t *skipped)
{
	char *taken = writer.written;

	pthread_mutex_lock(&writer.lock);
	while (!has_lines() && writer.state == RUNNING) {
		writer.is_idle = true;
		pthread_cond_broadcast(&writer.idle);
		pthread_cond_wait(&writer.added, &writer.lock);
	}
	writer.is_idle = false;
	*used = writer.used;
	*skipped = writer.skipped;
	writer.written = writer.waiting;
	writer.waiting = taken;
	writer.used = 0;
	writer.skipped = 0;
	pthread_mutex_unlock(&writer.lock);
	return *used || *skipped;
}

static void *run(void *arg)
{
	uint64_t skipped;
	size_t used;

	pthread_setname_np(pthread_self(), "tp-log");
	while (take(&used, &skipped)) {
		log_write(writer.written, used);
		write_lost(skipped);
	}
	return arg;
}

int log_writer_start(char *(*lost)(uint64_t lines))
{
	int err;

	writer.waiting = malloc(LOG_WRITER_BYTES);
	writer.written = malloc(LOG_WRITER_BYTES);
	writer.format_lost = lost;
	writer.state = RUNNING;
	err = writer.waiting && writer.written ? thread_start(&writer.thread, run, NULL) : -ENOMEM;
	if (!err)
		return 0;
	writer.state = ABSENT;
	free(writer.waiting);
	free(writer.written);
	return err;
}

bool log_writer_add(const char *line, size_t len)
{
	bool is_there;

	pthread_mutex_lock(&writer.lock);
	is_there = writer.state != ABSENT;
	if (writer.state == RUNNING && len <= LOG_WRITER_BYTES - writer.used) {
		memcpy(writer.waiting + writer.used, line, len);
		writer.used += len;
	} else if (is_there) {
		writer.skipped++;
		writer.lost++;
	}
	pthread_cond_signal(&writer.added);
	pthread_mutex_unlock(&writer.lock);
	return is_there;
}

uint64_t log_writer_lost(void)
{
	uint64_t lost;

	pthread_mutex_lock(&writer.lock);
	lost = writer.lost;
	pthread_mutex_unlock(&writer.lock);
	return lost;
}

static bool is_idle(void)
{
	return writer.is_idle && !has_lines();
}

/* Wait until all is written, or nothing was for a while. Locked. */
static void await_idle(void)
{
	struct timespec until;
	uint64_t before;
	int err;

	do {
		before = writer.progress;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += PATIENCE_SECONDS;
		for (err = 0; !err && !is_idle();)
			err = pthread_cond_timedwait(&writer.idle, &writer.lock, &until);
	} while (!is_idle() && writer.progress != before);
}

void log_writer_flush(void)
{
	pthread_mutex_lock(&writer.lock);
	if (writer.state == RUNNING)
		await_idle();
	pthread_mutex_unlock(&writer.lock);
}

/* Return: whether the thread must be joined. */
static bool end(void)
{
	await_idle();
	writer.state = is_idle() ? STOPPING : ABANDONED;
	pthread_cond_signal(&writer.added);
	return writer.state == STOPPING;
}

void log_writer_stop(void)
{
	bool ends;

	pthread_mutex_lock(&writer.lock);
	ends = writer.state == RUNNING && end();
	pthread_mutex_unlock(&writer.lock);
	if (!ends)
		return;
	pthread_join(writer.thread, NULL);
	writer.state = ABSENT;
	free(writer.waiting);
	free(writer.written);
}

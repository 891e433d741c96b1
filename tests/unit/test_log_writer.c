/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nobody who logs waits for whoever reads the log; lines stay whole, and lost ones are counted. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log_writer.h"

#define LINES     20000
#define LOGGERS   4
#define PIPE_FULL 4096

/** struct log - stderr is a pipe; @kept is the stderr before */
struct log {
	int kept;
	int reader;
};

static char *format_lost(uint64_t lines)
{
	char *text;

	return asprintf(&text, "lost %" PRIu64 "\n", lines) < 0 ? NULL : text;
}

static void open_log(struct log *log)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log->kept = dup(STDERR_FILENO);
	log->reader = ends[0];
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	assert_true(fcntl(log->reader, F_SETPIPE_SZ, PIPE_FULL) >= 0);
}

/* After this, a reader meets the end of the log. */
static void close_log(const struct log *log)
{
	assert_true(dup2(log->kept, STDERR_FILENO) >= 0);
	close(log->kept);
}

static void *log_lines(void *name)
{
	char line[64];

	for (unsigned int i = 0; i < LINES; i++) {
		int len = snprintf(line, sizeof(line), "%s %u\n", (const char *)name, i);

		assert_true(log_writer_add(line, (size_t)len));
	}
	return NULL;
}

/** struct found - what a reader of the log has seen; @next: of each logger, the least next number
 */
struct found {
	uint64_t lines;
	uint64_t lost;
	unsigned int next[LOGGERS];
};

static void read_line(const char *line, struct found *found)
{
	unsigned int number;
	uint64_t lost;
	char name;

	if (sscanf(line, "lost %" SCNu64, &lost) == 1) {
		found->lost += lost;
		return;
	}
	assert_int_equal(sscanf(line, "%c %u\n", &name, &number), 2);
	assert_in_range(name, 'a', 'a' + LOGGERS - 1);
	assert_in_range(number, found->next[name - 'a'], LINES - 1);
	found->next[name - 'a'] = number + 1;
	found->lines++;
}

static void *read_log(void *arg)
{
	static struct found found;
	FILE *file = fdopen(((struct log *)arg)->reader, "r");
	char line[128];

	assert_non_null(file);
	found = (struct found){ 0 };
	while (fgets(line, sizeof(line), file))
		read_line(line, &found);
	fclose(file);
	return &found;
}

static void log_from_threads(void)
{
	static char names[LOGGERS][2] = { "a", "b", "c", "d" };
	pthread_t threads[LOGGERS];

	for (int i = 0; i < LOGGERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_lines, names[i]), 0);
	for (int i = 0; i < LOGGERS; i++)
		pthread_join(threads[i], NULL);
}

static void expect_all(pthread_t reader, uint64_t lost)
{
	void *found;

	pthread_join(reader, &found);
	assert_int_equal(((struct found *)found)->lost, lost);
	assert_int_equal(((struct found *)found)->lines + lost, LOGGERS * LINES);
}

static void test_nobody_reads_at_first(void **state)
{
	const uint64_t before = log_writer_lost();
	struct log log;
	pthread_t reader;
	uint64_t lost;

	(void)state;
	open_log(&log);
	assert_int_equal(log_writer_start(format_lost), 0);
	log_from_threads();
	lost = log_writer_lost() - before;
	assert_in_range(lost, 1, LOGGERS * LINES - 1);
	assert_int_equal(pthread_create(&reader, NULL, read_log, &log), 0);
	log_writer_stop();
	assert_int_equal(log_writer_lost() - before, lost);
	close_log(&log);
	expect_all(reader, lost);
}

static void test_somebody_reads(void **state)
{
	const uint64_t before = log_writer_lost();
	struct log log;
	pthread_t reader;

	(void)state;
	open_log(&log);
	assert_int_equal(pthread_create(&reader, NULL, read_log, &log), 0);
	assert_int_equal(log_writer_start(format_lost), 0);
	log_from_threads();
	log_writer_flush();
	log_writer_stop();
	close_log(&log);
	expect_all(reader, log_writer_lost() - before);
}

static void test_absent(void **state)
{
	(void)state;
	assert_false(log_writer_add("a 0\n", 4));
	log_writer_flush();
	log_writer_stop();
}

/* The last test: the thread hangs for good. */
static void test_nobody_ever_reads(void **state)
{
	struct log log;
	uint64_t lost;

	(void)state;
	open_log(&log);
	assert_int_equal(log_writer_start(format_lost), 0);
	for (int i = 0; i < PIPE_FULL; i++)
		assert_true(log_writer_add("a 0\n", 4));
	log_writer_stop();
	lost = log_writer_lost();
	assert_true(log_writer_add("a 0\n", 4));
	assert_int_equal(log_writer_lost(), lost + 1);
	close_log(&log);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_nobody_reads_at_first),
		cmocka_unit_test(test_somebody_reads),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_nobody_ever_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file log_writer.h
 * Writes the log in a thread of its own. Whoever reads the log may stop to do so: a journal that
 * hangs, or a terminal that somebody stopped with Ctrl-S. Those who log never wait for it.
 */
#ifndef TURNPIKE_BASE_LOG_WRITER_H
#define TURNPIKE_BASE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of lines that wait: about a thousand lines. */
#define LOG_WRITER_BYTES (128 << 10)

/**
 * log_writer_start() - start the thread
 * @lost: format the line that says that @lines found no room, to be freed; called in the thread.
 *        It may return NULL.
 *
 * There is at most one. A child process has none. Return: 0 or a negative errno.
 */
int log_writer_start(char *(*lost)(uint64_t lines));

/** log_writer_flush() - wait until all lines are written, unless nobody reads them for a second */
void log_writer_flush(void);

/**
 * log_writer_stop() - write the lines that wait, and end the thread
 *
 * If nobody reads the log for a second, the rest of it is lost, and so is what is added later. Call
 * it when no other thread logs any more.
 */
void log_writer_stop(void);

/**
 * log_writer_add() - let the thread write a line, with its newline
 *
 * Any thread. A line without room is counted instead. Return: false if there is no thread.
 */
bool log_writer_add(const char *line, size_t len);

/** log_writer_lost() - number of lines since log_writer_start() that found no room; any thread */
uint64_t log_writer_lost(void);

/**
 * log_write() - write lines to stderr now, and wait for whoever reads them
 *
 * There is nowhere to report an error, so there is none.
 */
void log_write(const char *lines, size_t len);

#endif /* TURNPIKE_BASE_LOG_WRITER_H */

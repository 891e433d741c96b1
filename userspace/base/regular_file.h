/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file regular_file.h
 * Reads files that the configuration names. An operator's mistake, or whoever can replace a file,
 * must not stop the server: a FIFO or a device would block it, or never end. Any thread.
 */
#ifndef TURNPIKE_BASE_REGULAR_FILE_H
#define TURNPIKE_BASE_REGULAR_FILE_H

#include <stddef.h>

/**
 * struct regular_file - the content of a file
 * @text: @len bytes and a terminating zero
 */
struct regular_file {
	char *text;
	size_t len;
};

/**
 * regular_file_read() - read a whole file without waiting for anyone
 * @max: the largest content accepted, in bytes
 * @ret: the result, for regular_file_free()
 *
 * Return: 0, -EINVAL if it is not a regular file, -EFBIG if it is larger, or another negative
 * errno.
 */
int regular_file_read(const char *path, size_t max, struct regular_file *ret);

/** regular_file_free() - wipe and free the content, which may be secret */
void regular_file_free(struct regular_file *file);

/** regular_file_error() - explain an error of regular_file_read() */
const char *regular_file_error(int err);

#endif /* TURNPIKE_BASE_REGULAR_FILE_H */

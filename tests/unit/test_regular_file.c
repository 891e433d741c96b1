/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a name in the configuration may stand for. A case that blocks runs into the test's timeout.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/regular_file.h"

#define MAX 100

static char folder[] = "/tmp/regular_file.XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *file_of(size_t size)
{
	const char *path = in_folder("file");
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		fputc('a', file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void refuses(const char *path, int wanted)
{
	struct regular_file file = { .text = NULL };

	assert_int_equal(regular_file_read(path, MAX, &file), wanted);
	assert_null(file.text);
}

static void reads_a_file_up_to_the_limit(void **state)
{
	static const size_t sizes[] = { 0, 1, MAX - 1, MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct regular_file file;

		assert_int_equal(regular_file_read(file_of(sizes[i]), MAX, &file), 0);
		assert_int_equal(file.len, sizes[i]);
		assert_int_equal(strlen(file.text), sizes[i]);
		regular_file_free(&file);
		assert_null(file.text);
	}
	refuses(file_of(MAX + 1), -EFBIG);
	refuses(file_of(1 << 20), -EFBIG);
}

static void follows_links(void **state)
{
	struct regular_file file;
	char target[256];

	(void)state;
	strcpy(target, file_of(7));
	assert_int_equal(symlink(target, in_folder("link")), 0);
	assert_int_equal(regular_file_read(in_folder("link"), MAX, &file), 0);
	assert_int_equal(file.len, 7);
	regular_file_free(&file);
}

static void refuses_what_is_no_regular_file(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	refuses(in_folder("fifo"), -EINVAL);
	refuses(folder, -EINVAL);
	refuses("/dev/zero", -EINVAL);
	refuses("/dev/null", -EINVAL);
	refuses(in_folder("missing"), -ENOENT);
	strcpy(addr.sun_path, in_folder("socket"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	refuses(addr.sun_path, -ENXIO);
	close(fd);
}

/* Such files state no size. */
static void reads_files_in_proc(void **state)
{
	struct regular_file file;

	(void)state;
	assert_int_equal(regular_file_read("/proc/self/comm", MAX, &file), 0);
	assert_true(file.len > 1);
	regular_file_free(&file);
	refuses("/proc/self/smaps", -EFBIG);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "file", "link", "fifo", "socket" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_file_up_to_the_limit),
		cmocka_unit_test(follows_links),
		cmocka_unit_test(refuses_what_is_no_regular_file),
		cmocka_unit_test(reads_files_in_proc),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

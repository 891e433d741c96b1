/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A fuzz target without a fuzzer: runs files, and all files of directories, as any test. That they
 * still reach what they are kept for is part of it.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX 131072

static int inputs;

/* The input lies in memory of its own, so that AddressSanitizer knows its end. */
static int run_file(const char *path)
{
	static uint8_t buffer[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t len;

	if (!file) {
		perror(path);
		return 1;
	}
	len = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	data = malloc(len ? len : 1);
	if (!data)
		return 1;
	memcpy(data, buffer, len);
	printf("%s\n", path);
	fflush(stdout); /* it may be the last that is heard of it */
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	inputs++;
	return 0;
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	int failed = n < 0;
	char name[4096];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			failed |= run_file(name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return failed;
}

int main(int argc, char **argv)
{
	struct stat stat_buf;
	int failed = 0;
	int i;

	for (i = 1; i < argc; i++) {
		if (!stat(argv[i], &stat_buf) && S_ISDIR(stat_buf.st_mode))
			failed |= run_directory(argv[i]);
		else
			failed |= run_file(argv[i]);
	}
	printf("%d inputs\n", inputs);
	/* One file is run to see what becomes of it. */
	if (inputs > 1)
		failed |= fuzz_missed() != 0;
	return failed || !inputs;
}

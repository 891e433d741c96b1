/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a fuzz target without a fuzzer, on files and on all files of directories. With more than one
 * input, it fails unless the inputs reach all goals of the target.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX 131072

static int inputs;

/* The input is allocated separately, so that AddressSanitizer detects overflows. */
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
	fflush(stdout); /* in case this input crashes the program */
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
	/* A single file is run for debugging. */
	if (inputs > 1)
		failed |= fuzz_missed() != 0;
	return failed || !inputs;
}

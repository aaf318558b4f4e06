/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over files, so that every compiler's build tests what
 * fuzzing has found: replay_NAME FILE-OR-DIRECTORY...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (16u << 20)

static unsigned n_replayed;

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX), *exact;
	size_t size;

	if (!file || !data) {
		perror(path);
		exit(1);
	}

	/* In a block of its very size, so that ASan sees what reads beyond. */
	size = fread(data, 1, INPUT_MAX, file);
	exact = realloc(data, size > 0 ? size : 1);
	(void)fclose(file);

	/* Said first: if it crashes, it is the last line. */
	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, size);
	(void)printf("ok %u - %s\n", ++n_replayed,
		     strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	free(exact);
}

static void replay_dir(const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	char path[4096];

	if (n < 0) {
		perror(dir);
		exit(1);
	}

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			(void)snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
			replay_file(path);
		}
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			replay_dir(argv[i]);
		else
			replay_file(argv[i]);
	}

	(void)printf("1..%u\n", n_replayed);
	return n_replayed > 0 ? 0 : 1; /* a lost corpus is no success */
}

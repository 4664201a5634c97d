/* corpus_main.c - replays every file of the folders given through a fuzz target: the corpus as an
 * ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    static uint8_t bytes[8 << 20];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    /* An exact-size heap copy, so that the sanitizer sees a read past the end. */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) {
        return 1;
    }
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (dir == NULL) {
            perror(argv[i]);
            return 1;
        }
        const struct dirent *entry = NULL;
        while ((entry = readdir(dir)) != NULL) { /* NOLINT(concurrency-mt-unsafe): ours */
            if (entry->d_name[0] == '.') {
                continue;
            }
            if (replay_file(argv[i], entry->d_name) != 0) {
                (void)closedir(dir);
                return 1;
            }
            files++;
        }
        (void)closedir(dir);
    }
    printf("%d corpus files replayed\n", files);
    return files > 0 ? 0 : 1;
}

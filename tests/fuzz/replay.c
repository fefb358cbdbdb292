/* The main of a fuzz target that was not built with libFuzzer: runs it over the files named on the command line. */
#include <glib.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *contents = NULL;
                gsize size;
                if (!g_file_get_contents(argv[i], &contents, &size, &error)) {
                        fprintf(stderr, "%s\n", error->message);
                        return 1;
                }
                /* A copy of exactly its size: g_file_get_contents adds a NUL, behind which an overrun could hide. */
                g_autofree uint8_t *data = g_memdup2(contents, size);
                (void)LLVMFuzzerTestOneInput(data, size);
        }
        printf("%d inputs replayed\n", argc - 1);
        return 0;
}

/* A directory of a test's own below the system's temporary one, removed with all that is in it. */
#pragma once

/* Aborts when it cannot be made. Free with temp_dir_free. */
char *temp_dir_new(void);
void temp_dir_free(char *dir);

/* What the program writes to stderr, kept in a file of the test's own instead. One at a time, not nested. */
#pragma once

void capture_stderr_begin(void);
/* What was written since begin; stderr is as before. Free with g_free. */
char *capture_stderr_end(void);

/* What the program writes to stderr or stdout, kept in a file of the test's own instead. One at a time each, not
 * nested. */
#pragma once

void capture_stderr_begin(void);
/* What was written since begin; stderr is as before. Free with g_free. */
char *capture_stderr_end(void);
/* The same of stdout. */
void capture_stdout_begin(void);
char *capture_stdout_end(void);

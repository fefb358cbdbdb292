/*
 * Tokens: what those show who may change something over the network: a file of them, one a line, as they are or as
 * sha256: and 64 hex digits. It is read anew when it has changed; one that cannot be used, or that others may read or
 * write, is told of in the log and lets nobody in.
 */
#pragma once

#include <glib.h>

typedef struct Tokens Tokens;

typedef enum { TOKEN_GOOD, TOKEN_MISSING, TOKEN_WRONG, TOKEN_NONE_USABLE } TokenAnswer;

/* path NULL: NULL. */
Tokens *tokens_new(const char *path);
/* NULL is allowed. */
void tokens_free(Tokens *tokens);
/* token NULL: none was shown. Any thread. */
TokenAnswer tokens_ask(Tokens *tokens, const char *token);
/* The token of an Authorization header's value (RFC 6750, 2.1), within it; NULL: there is none. */
const char *tokens_of_header(const char *authorization);

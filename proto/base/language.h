/*
 * Languages by ISO 639-2, whose terminological codes (639-2/T) we keep, with the two-letter codes of ISO 639-1: what
 * the tags of media files use and what people write. Pure; any thread.
 */
#pragma once

#include <stddef.h>

/* The 639-2/T code of the language with this code of 639-1, 639-2/T or 639-2/B, in any case. NULL: there is none.
 * Static. */
const char *rv_language_of_code(const char *code);
/* Likewise, or of the one with this English name. */
const char *rv_language_of(const char *text);
/* The English names of the i-th language, ';' between them; NULL behind the last one. Static. */
const char *rv_language_names(size_t i);

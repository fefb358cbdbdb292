/* Small readings of YAML scalars and lists that channel files are made of. Private to schedule. */
#pragma once

#include "core/plan/schedule/rules.h"

/* False with a fault when the node is not of the kind. where names it in the message. */
bool reader_want(const YamlNode *node, YamlKind kind, const char *where, Diag *diag);
/* A warning at the node's place. */
void reader_warn(const YamlNode *node, Diag *diag, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A fault: no WHAT ("pool") of that name, used in where; did you mean one of known (NULL-terminated), or else: define
 * it under its plural. */
void reader_unknown(const YamlNode *node, const char *what, const char *name, const char *where,
                    const char *const *known, Diag *diag);
/* The keys of a mapping, to be known; g_free it. */
const char **reader_keys(const YamlNode *mapping);
/* The pool of that name, NULL with a fault at the node, or without one when parts are missing
 * from the file, which is told. where: what uses it. */
const Pool *reader_pool(const ScheduleRules *rules, const YamlNode *node, const char *name, const char *where,
                        Diag *diag);
/* A scalar or a list of scalars; NULL with a fault. */
char **reader_strings(const YamlNode *node, Diag *diag);
/* "20:30" in minutes 0..1439 ("24:00" reads as 0). */
bool reader_clock(const YamlNode *node, int *ret_minutes, Diag *diag);
/* "24h", "90m", "3h30m" in minutes, 1..1440. */
bool reader_duration(const YamlNode *node, int *ret_minutes, Diag *diag);
/* 3, [1, 2], "4..6", [1, "4..6"]; NULL with a fault. Element type NumberRange. */
GArray *reader_numbers(const YamlNode *node, Diag *diag);
/* A word's position in a NULL-terminated list, or -1 with a fault and a did-you-mean. */
int reader_choice(const YamlNode *node, const char *const *words, Diag *diag);

/*
 * YAML 1.1 documents as a tree of nodes that know their place (file, line, column). Scalars stay text: `06:00`, `on`
 * and `1.10` are what was written. Duplicate keys, aliases beyond a bound, nesting beyond a bound and files beyond a
 * size are faults. `!include FILE` and `!include FILE:key` are resolved relative to the including file and never leave
 * root_dir. The merge key `<<` takes over the entries of one or several mappings that are not written out.
 *
 * A tree is immutable and owned by its document; nodes live as long as it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/diag.h"

typedef enum { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING } YamlKind;

typedef struct YamlNode YamlNode;
typedef struct YamlDocument YamlDocument;

/* NULL (with entries in diag) when the file cannot be read or is not well-formed. root_dir: includes stay below it.
 * Faults that leave a usable tree (a key twice: the first counts; an include that fails: an empty text) are errors in
 * diag, but the tree is returned, so that the reader can go on and report its own: ask diag_errors before using the
 * outcome. */
YamlDocument *yaml_load_file(const char *path, const char *root_dir, Diag *diag);
/* The file that a scalar names, relative to the file that the scalar stands in; never outside of root_dir. Faults are
 * at the scalar's place, or in the file. */
YamlDocument *yaml_load_named(const YamlNode *name, const char *root_dir, Diag *diag);
/* As yaml_load_file for text in memory; name stands for the file in faults; no includes. */
YamlDocument *yaml_load_text(const char *text, const char *name, Diag *diag);
void yaml_document_free(YamlDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlDocument, yaml_document_free)

const YamlNode *yaml_root(const YamlDocument *document);
/* SHA-256 over the bytes of the file and all that it included, in order: "has it changed". Borrowed. */
const char *yaml_sha256(const YamlDocument *document);
/* Every file that was read for it, NULL-terminated. Borrowed. */
const char *const *yaml_files(const YamlDocument *document);

YamlKind yaml_kind(const YamlNode *node);
const char *yaml_file(const YamlNode *node);
int yaml_line(const YamlNode *node);
int yaml_column(const YamlNode *node);

/* Scalar's text, or NULL when node is NULL or no scalar. */
const char *yaml_text(const YamlNode *node);
/* Children of a sequence, or entries of a mapping in the order written. */
unsigned yaml_size(const YamlNode *node);
const YamlNode *yaml_item(const YamlNode *sequence, unsigned i);
const char *yaml_key(const YamlNode *mapping, unsigned i);
const YamlNode *yaml_key_node(const YamlNode *mapping, unsigned i);
const YamlNode *yaml_value(const YamlNode *mapping, unsigned i);
/* Value of key, or NULL. */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);

/* Typed readings: false, with an entry in diag that says what was expected, when the scalar is not that. */
bool yaml_read_int(const YamlNode *node, int64_t min, int64_t max, int64_t *ret_value, Diag *diag);
bool yaml_read_bool(const YamlNode *node, bool *ret_value, Diag *diag);
/* A text that is not empty. Borrowed. */
bool yaml_read_text(const YamlNode *node, const char **ret_text, Diag *diag);
/* "500ms", "20s", "90m", "3h30m", "2d": whole numbers with units, the larger unit first. */
bool yaml_read_duration_ms(const YamlNode *node, int64_t min_ms, int64_t max_ms, int64_t *ret_ms, Diag *diag);
/* An entry at the node's place. */
void yaml_fault(const YamlNode *node, Diag *diag, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Adds an error with a did-you-mean for every key that is not in allowed (NULL-terminated). where:
 * "schedule.all_day[0]". */
void yaml_check_keys(const YamlNode *mapping, const char *where, const char *const *allowed, Diag *diag);

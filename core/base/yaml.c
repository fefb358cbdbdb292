#include "core/base/yaml.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "proto/base/hash.h"

/* Bounds of what one document may ask for. Weight: nodes as a reader who walks the tree meets them, aliases expanded.
 */
#define MAX_BYTES (4 * 1024 * 1024)
#define MAX_DEPTH 64
#define MAX_WEIGHT 200000
#define MAX_ALIASES 1000
#define MAX_FILES 64

struct YamlNode {
        YamlKind kind;
        const char *file; /* the document's */
        int line, column;
        char *text;        /* scalars */
        GPtrArray *keys;   /* mappings: scalar nodes, borrowed */
        GPtrArray *values; /* mappings and sequences: borrowed */
        uint32_t weight;   /* this node and all below it */
        int height;        /* levels, this one included */
};

struct YamlDocument {
        GPtrArray *nodes; /* YamlNode, owned: a tree may name a node twice */
        GPtrArray *files; /* char *, owned, NULL-terminated once loaded */
        YamlNode *root;
        char sha256[RV_SHA256_HEX_SIZE];
};

/* One run of loading: what is common to a file and those that it includes. */
typedef struct {
        YamlDocument *document;
        Diag *diag;
        char *root_dir;       /* canonical; NULL: no includes */
        GHashTable *included; /* canonical path -> YamlNode, NULL while it is being read */
        GByteArray *bytes;    /* all that was read, for the hash */
        uint32_t n_aliases;
        uint32_t weight; /* of the nodes that were made: bounds memory even where no tree holds them */
        int depth;       /* levels above the file that is about to be read */
} Loader;

/* One file of it. */
typedef struct {
        Loader *loader;
        const char *file;
        char *dir;
        const char *data; /* of it, size bytes */
        size_t size;
        yaml_parser_t parser;
        GHashTable *anchors; /* name -> YamlNode */
        int depth;           /* levels above it */
} Source;

static YamlNode *load_bytes(Loader *loader, const char *file, const char *data, size_t size);
static YamlNode *parse_node(Source *source, const yaml_event_t *event, int depth);

static void node_free(YamlNode *node) {
        g_free(node->text);
        g_clear_pointer(&node->keys, g_ptr_array_unref);
        g_clear_pointer(&node->values, g_ptr_array_unref);
        g_free(node);
}

void yaml_document_free(YamlDocument *document) {
        if (!document)
                return;
        g_ptr_array_unref(document->nodes);
        g_ptr_array_unref(document->files);
        g_free(document);
}

G_GNUC_PRINTF(3, 4) static void source_fault(Source *source, yaml_mark_t mark, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *message = g_strdup_vprintf(format, args);
        va_end(args);
        diag_add(source->loader->diag, DIAG_ERROR, source->file, (int)mark.line + 1, (int)mark.column + 1, "%s",
                 message);
}

static YamlNode *node_new(Source *source, YamlKind kind, yaml_mark_t mark) {
        YamlNode *node = g_new0(YamlNode, 1);
        node->kind = kind;
        node->file = source->file;
        node->line = (int)mark.line + 1; /* INV-YAML-001 */
        node->column = (int)mark.column + 1;
        node->weight = 1;
        node->height = 1;
        if (kind != YAML_SCALAR)
                node->values = g_ptr_array_new();
        if (kind == YAML_MAPPING)
                node->keys = g_ptr_array_new();
        g_ptr_array_add(source->loader->document->nodes, node);
        return node;
}

/* Where a byte of the file is; columns count characters. */
static yaml_mark_t mark_of(const Source *source, size_t offset) {
        yaml_mark_t mark = {0};
        for (size_t i = 0; i < offset && i < source->size; i++) {
                const unsigned char c = (unsigned char)source->data[i];
                if (c == '\n') {
                        mark.line++;
                        mark.column = 0;
                } else if ((c & 0xc0) != 0x80) {
                        mark.column++;
                }
        }
        return mark;
}

/* The byte at a mark; NUL at the end. */
static char byte_at(const Source *source, yaml_mark_t mark) {
        size_t at = 0, line = 0, column = 0;
        for (; at < source->size && line < mark.line; at++)
                line += source->data[at] == '\n';
        for (; at < source->size && column < mark.column; column++)
                do
                        at++;
                while (at < source->size && ((unsigned char)source->data[at] & 0xc0) == 0x80);
        return at < source->size ? source->data[at] : '\0';
}

/* Bytes that are no text: the parser has read ahead of what it parsed, so that its own mark tells nothing. */
static void bytes_fault(Source *source) {
        const size_t offset = source->parser.problem_offset;
        const bool control = source->parser.problem_value >= 0 && source->parser.problem_value < 0x20;
        const yaml_mark_t mark = mark_of(source, offset);
        if (memchr(source->data, '\0', MIN(source->size, offset + 4)))
                source_fault(source, mark, "a NUL character: this is no text, or not saved as UTF-8");
        else if (control)
                source_fault(source, mark, "a control character (0x%02x): take it out", source->parser.problem_value);
        else
                source_fault(source, mark, "not UTF-8 (%s): save the file as UTF-8", source->parser.problem);
}

static bool next_event(Source *source, yaml_event_t *event) {
        if (yaml_parser_parse(&source->parser, event))
                return true;
        const yaml_parser_t *parser = &source->parser;
        const yaml_mark_t mark = parser->problem_mark;
        const char *problem = parser->problem ? parser->problem : "not YAML";
        if (parser->error == YAML_READER_ERROR)
                bytes_fault(source);
        else if (parser->error == YAML_SCANNER_ERROR && byte_at(source, mark) == '\t')
                source_fault(source, mark, "a tab: YAML is indented with spaces");
        else if (parser->context)
                source_fault(source, mark, "%s, %s", parser->context, problem);
        else
                source_fault(source, mark, "%s", problem);
        return false;
}

/* Counts what a child brings to its parent; false, with a fault, where the document grows beyond its bound. */
static bool add_weight(Source *source, YamlNode *node, const YamlNode *child, yaml_mark_t mark) {
        node->weight += child->weight;
        node->height = MAX(node->height, child->height + 1);
        source->loader->weight++;
        if (node->height > MAX_DEPTH) { /* INV-YAML-003: aliases and includes nest, too */
                source_fault(source, mark, "more than %d levels of nesting, aliases expanded", MAX_DEPTH);
                return false;
        }
        if (node->weight <= MAX_WEIGHT && source->loader->weight <= MAX_WEIGHT) /* INV-YAML-003 */
                return true;
        source_fault(source, mark, "the document has more than %d nodes, aliases expanded", MAX_WEIGHT);
        return false;
}

static void remember_anchor(Source *source, const yaml_char_t *anchor, YamlNode *node) {
        if (anchor && node)
                g_hash_table_replace(source->anchors, g_strdup((const char *)anchor), node);
}

static YamlNode *parse_alias(Source *source, const yaml_event_t *event) {
        const char *name = (const char *)event->data.alias.anchor;
        YamlNode *node = g_hash_table_lookup(source->anchors, name);
        if (!node)
                source_fault(source, event->start_mark, "alias *%s has no complete anchor &%s before it", name, name);
        else if (++source->loader->n_aliases > MAX_ALIASES) { /* INV-YAML-003 */
                source_fault(source, event->start_mark, "more than %d aliases", MAX_ALIASES);
                return NULL;
        }
        return node;
}

static bool below(const char *path, const char *dir) {
        const size_t n = strlen(dir);
        return strncmp(path, dir, n) == 0 && (path[n] == '/' || (n > 0 && dir[n - 1] == '/'));
}

/* A regular file's bytes; NULL and a sentence why not. Nothing is read of one that is too large. */
static char *read_file(const char *path, size_t *ret_size, char **ret_fault) {
        g_autoptr(GError) error = NULL;
        GStatBuf status;
        char *data = NULL;
        const bool there = g_stat(path, &status) == 0;
        if (there && !S_ISREG(status.st_mode))
                *ret_fault = g_strdup("not a regular file");
        else if (there && status.st_size > MAX_BYTES) /* INV-YAML-003 */
                *ret_fault = g_strdup_printf("it has more than %d MiB", MAX_BYTES >> 20);
        else if (!g_file_get_contents(path, &data, ret_size, &error))
                *ret_fault = g_strdup(error->message);
        return data;
}

/* The file of that name, seen from dir; NULL and a sentence why it cannot be had. */
static char *path_below(const char *dir, const char *name, const char *root_dir, char **ret_fault) {
        g_autofree char *joined = g_path_is_absolute(name) ? g_strdup(name) : g_build_filename(dir, name, NULL);
        char resolved[PATH_MAX];
        if (!realpath(joined, resolved)) {
                *ret_fault = g_strdup(errno == ENOENT ? "there is no such file" : g_strerror(errno));
                return NULL;
        }
        if (!below(resolved, root_dir)) { /* INV-YAML-004 */
                *ret_fault = g_strdup_printf("it is outside of %s", root_dir);
                return NULL;
        }
        return g_strdup(resolved);
}

/* Stands for a file whose faults are told. */
static const YamlNode unreadable;

static YamlNode *include_file(Source *source, yaml_mark_t mark, const char *name) {
        Loader *loader = source->loader;
        g_autofree char *fault = NULL;
        g_autofree char *path = path_below(source->dir, name, loader->root_dir, &fault);
        if (!path) {
                source_fault(source, mark, "cannot include %s: %s", name, fault);
                return NULL;
        }
        void *known = NULL;
        if (g_hash_table_lookup_extended(loader->included, path, NULL, &known)) {
                if (!known)
                        source_fault(source, mark, "cannot include %s: it is already being read, files go in a circle",
                                     name);
                return known == &unreadable ? NULL : known;
        }
        if (g_hash_table_size(loader->included) >= MAX_FILES) {
                source_fault(source, mark, "more than %d files are included", MAX_FILES);
                return NULL;
        }
        size_t size = 0;
        g_autofree char *data = read_file(path, &size, &fault);
        if (!data) {
                source_fault(source, mark, "cannot include %s: %s", name, fault);
                return NULL;
        }
        char *kept = g_strdup(path);
        g_ptr_array_add(loader->document->files, kept);
        g_hash_table_insert(loader->included, g_strdup(path), NULL);
        YamlNode *node = load_bytes(loader, kept, data, size);
        g_hash_table_insert(loader->included, g_strdup(path), node ? node : (YamlNode *)&unreadable);
        return node;
}

static YamlNode *parse_include(Source *source, const yaml_event_t *event) {
        const yaml_mark_t mark = event->start_mark;
        if (!source->loader->root_dir) {
                source_fault(source, mark, "!include is not possible here");
                return NULL;
        }
        const char *written = (const char *)event->data.scalar.value;
        const char *colon = strrchr(written, ':');
        g_autofree char *name = colon ? g_strndup(written, (size_t)(colon - written)) : g_strdup(written);
        YamlNode *node = include_file(source, mark, name);
        if (!node || !colon)
                return node;
        const YamlNode *value = yaml_get(node, colon + 1);
        if (!value)
                source_fault(source, mark, "cannot include %s: %s has no key \"%s\"", written, name, colon + 1);
        return (YamlNode *)value;
}

static bool tag_known(const yaml_char_t *tag) {
        static const char standard[] = "tag:yaml.org,2002:";
        static const char *const types[] = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp", NULL};
        const char *text = (const char *)tag;
        return !tag || g_str_equal(text, "!") ||
               (g_str_has_prefix(text, standard) && g_strv_contains(types, text + strlen(standard)));
}

/* In place of what could not be read: reading goes on behind it, the fault is in the list. */
static YamlNode *placeholder(Source *source, yaml_mark_t mark) {
        YamlNode *node = node_new(source, YAML_SCALAR, mark);
        node->text = g_strdup("");
        return node;
}

static YamlNode *parse_scalar(Source *source, const yaml_event_t *event) {
        const char *tag = (const char *)event->data.scalar.tag, *value = (const char *)event->data.scalar.value;
        if (tag && g_str_equal(tag, "!include")) {
                YamlNode *node = parse_include(source, event);
                return node ? node : placeholder(source, event->start_mark);
        }
        if (!tag_known(event->data.scalar.tag))
                source_fault(source, event->start_mark, "unknown tag %s: only !include is known", tag);
        if (strlen(value) != event->data.scalar.length)
                source_fault(source, event->start_mark, "the text contains a NUL character");
        YamlNode *node = node_new(source, YAML_SCALAR, event->start_mark);
        node->text = g_strdup(value);
        remember_anchor(source, event->data.scalar.anchor, node);
        return node;
}

static YamlNode *parse_sequence(Source *source, const yaml_event_t *start, int depth) {
        YamlNode *node = node_new(source, YAML_SEQUENCE, start->start_mark);
        for (;;) {
                yaml_event_t event;
                if (!next_event(source, &event))
                        return NULL;
                const yaml_mark_t mark = event.start_mark;
                const bool end = event.type == YAML_SEQUENCE_END_EVENT;
                YamlNode *item = end ? NULL : parse_node(source, &event, depth + 1);
                yaml_event_delete(&event);
                if (end)
                        break;
                if (!item || !add_weight(source, node, item, mark))
                        return NULL;
                g_ptr_array_add(node->values, item);
        }
        remember_anchor(source, start->data.sequence_start.anchor, node);
        return node;
}

static void add_entry(YamlNode *mapping, YamlNode *key, YamlNode *value) {
        g_ptr_array_add(mapping->keys, key);
        g_ptr_array_add(mapping->values, value);
}

/* YAML 1.1's merge key: `<<: *base` or `<<: [*a, *b]`. What is written in the mapping itself wins, then the earlier
 * base. */
static bool merge(Source *source, YamlNode *mapping, GHashTable *seen, const YamlNode *base) {
        if (base->kind == YAML_SEQUENCE) {
                for (unsigned i = 0; i < base->values->len; i++) {
                        const YamlNode *item = g_ptr_array_index(base->values, i);
                        if (item->kind == YAML_SEQUENCE || !merge(source, mapping, seen, item))
                                return false;
                }
                return true;
        }
        if (base->kind != YAML_MAPPING)
                return false;
        for (unsigned i = 0; i < base->keys->len; i++) {
                YamlNode *key = g_ptr_array_index(base->keys, i);
                if (g_hash_table_add(seen, key->text))
                        add_entry(mapping, key, g_ptr_array_index(base->values, i));
        }
        return true;
}

/* A key's scalar; keys that are not scalars are faults that end the reading: nothing after them has a name. */
static YamlNode *parse_key(Source *source, const yaml_event_t *event, int depth) {
        YamlNode *key = parse_node(source, event, depth);
        if (key && key->kind != YAML_SCALAR) {
                source_fault(source, event->start_mark, "a key must be a plain text");
                return NULL;
        }
        return key;
}

typedef struct {
        YamlNode *node;
        GHashTable *seen; /* key texts, borrowed */
        GPtrArray *bases; /* values of << */
} Mapping;

/* One key with its value. ret_end: there was none, the mapping is complete. */
static bool parse_entry(Source *source, Mapping *mapping, int depth, bool *ret_end) {
        yaml_event_t event;
        if (!next_event(source, &event))
                return false;
        const yaml_mark_t mark = event.start_mark;
        *ret_end = event.type == YAML_MAPPING_END_EVENT;
        YamlNode *key = *ret_end ? NULL : parse_key(source, &event, depth + 1);
        yaml_event_delete(&event);
        if (*ret_end)
                return true;
        if (!key || !next_event(source, &event))
                return false;
        YamlNode *value = parse_node(source, &event, depth + 1);
        yaml_event_delete(&event);
        if (!value || !add_weight(source, mapping->node, value, mark))
                return false;
        if (g_str_equal(key->text, "<<"))
                g_ptr_array_add(mapping->bases, value);
        else if (g_hash_table_add(mapping->seen, key->text))
                add_entry(mapping->node, key, value);
        else /* INV-YAML-002 */
                source_fault(source, mark, "key \"%s\" is here a second time", key->text);
        return true;
}

static bool parse_entries(Source *source, Mapping *mapping, int depth) {
        for (bool end = false; !end;)
                if (!parse_entry(source, mapping, depth, &end))
                        return false;
        const YamlNode *node = mapping->node;
        for (unsigned i = 0; i < mapping->bases->len; i++)
                if (!merge(source, mapping->node, mapping->seen, g_ptr_array_index(mapping->bases, i)))
                        source_fault(source,
                                     (yaml_mark_t){.line = (size_t)node->line - 1, .column = (size_t)node->column - 1},
                                     "<< takes a mapping or a list of mappings");
        return true;
}

static YamlNode *parse_mapping(Source *source, const yaml_event_t *start, int depth) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GPtrArray) bases = g_ptr_array_new();
        Mapping mapping = {node_new(source, YAML_MAPPING, start->start_mark), seen, bases};
        if (!parse_entries(source, &mapping, depth))
                return NULL;
        remember_anchor(source, start->data.mapping_start.anchor, mapping.node);
        return mapping.node;
}

/* The node that begins with event, to its end. NULL: a fault after which reading cannot go on. */
static YamlNode *parse_node(Source *source, const yaml_event_t *event, int depth) {
        if (depth > MAX_DEPTH) { /* INV-YAML-003 */
                source_fault(source, event->start_mark, "more than %d levels of nesting", MAX_DEPTH);
                return NULL;
        }
        switch ((int)event->type) {
        case YAML_ALIAS_EVENT:
                return parse_alias(source, event);
        case YAML_SCALAR_EVENT:
                source->loader->depth = depth;
                return parse_scalar(source, event);
        case YAML_SEQUENCE_START_EVENT:
                if (!tag_known(event->data.sequence_start.tag))
                        source_fault(source, event->start_mark, "unknown tag %s", event->data.sequence_start.tag);
                return parse_sequence(source, event, depth);
        case YAML_MAPPING_START_EVENT:
                if (!tag_known(event->data.mapping_start.tag))
                        source_fault(source, event->start_mark, "unknown tag %s", event->data.mapping_start.tag);
                return parse_mapping(source, event, depth);
        default:
                g_assert_not_reached();
        }
}

/* Stream start, document start, the root, document end, stream end. */
static YamlNode *parse_stream(Source *source) {
        YamlNode *root = NULL;
        unsigned n_documents = 0;
        for (bool end = false; !end;) {
                yaml_event_t event;
                if (!next_event(source, &event))
                        return NULL;
                bool bad = false;
                if (event.type == YAML_DOCUMENT_START_EVENT && ++n_documents > 1) {
                        source_fault(source, event.start_mark, "a second document (---) is not expected");
                        bad = true;
                } else if (event.type == YAML_STREAM_END_EVENT) {
                        end = true;
                } else if (event.type != YAML_STREAM_START_EVENT && event.type != YAML_DOCUMENT_START_EVENT &&
                           event.type != YAML_DOCUMENT_END_EVENT) {
                        root = parse_node(source, &event, source->depth + 1);
                        bad = !root;
                }
                yaml_event_delete(&event);
                if (bad)
                        return NULL;
        }
        if (!root)
                diag_add(source->loader->diag, DIAG_ERROR, source->file, 0, 0, "the file is empty");
        return root;
}

static YamlNode *load_bytes(Loader *loader, const char *file, const char *data, size_t size) {
        if (loader->bytes->len + size > MAX_BYTES) { /* INV-YAML-003 */
                diag_add(loader->diag, DIAG_ERROR, file, 0, 0, "more than %d MiB of YAML, with what is included",
                         MAX_BYTES >> 20);
                return NULL;
        }
        g_byte_array_append(loader->bytes, (const uint8_t *)data, (guint)size);
        g_autofree char *dir = g_path_get_dirname(file);
        g_autoptr(GHashTable) anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        Source source = {.loader = loader,
                         .file = file,
                         .dir = dir,
                         .data = data,
                         .size = size,
                         .anchors = anchors,
                         .depth = loader->depth};
        g_assert(yaml_parser_initialize(&source.parser));
        yaml_parser_set_input_string(&source.parser, (const unsigned char *)data, size);
        YamlNode *root = parse_stream(&source);
        yaml_parser_delete(&source.parser);
        return root;
}

static YamlDocument *load(const char *name, const char *data, size_t size, const char *root_dir, Diag *diag) {
        g_autoptr(YamlDocument) document = g_new0(YamlDocument, 1);
        document->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)node_free);
        document->files = g_ptr_array_new_with_free_func(g_free);
        char *kept = g_strdup(name);
        g_ptr_array_add(document->files, kept);

        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autoptr(GHashTable) included = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        char resolved[PATH_MAX];
        Loader loader = {.document = document, .diag = diag, .included = included, .bytes = bytes};
        loader.root_dir = root_dir && realpath(root_dir, resolved) ? resolved : NULL;
        char itself[PATH_MAX];
        if (loader.root_dir && realpath(name, itself))
                g_hash_table_insert(included, g_strdup(itself), NULL);

        document->root = load_bytes(&loader, kept, data, size);
        if (!document->root)
                return NULL;
        rv_sha256_hex(bytes->data, bytes->len, document->sha256);
        g_ptr_array_add(document->files, NULL);
        return g_steal_pointer(&document);
}

YamlDocument *yaml_load_file(const char *path, const char *root_dir, Diag *diag) {
        g_autofree char *fault = NULL;
        size_t size = 0;
        g_autofree char *data = read_file(path, &size, &fault);
        if (data)
                return load(path, data, size, root_dir, diag);
        diag_add(diag, DIAG_ERROR, path, 0, 0, "cannot be read: %s", fault);
        return NULL;
}

YamlDocument *yaml_load_named(const YamlNode *name, const char *root_dir, Diag *diag) {
        const char *text = NULL;
        char resolved_root[PATH_MAX];
        if (!yaml_read_text(name, &text, diag))
                return NULL;
        if (!root_dir || !realpath(root_dir, resolved_root)) {
                yaml_fault(name, diag, "cannot read %s: files are not possible here", text);
                return NULL;
        }
        g_autofree char *fault = NULL, *dir = g_path_get_dirname(name->file);
        g_autofree char *path = path_below(dir, text, resolved_root, &fault);
        if (path)
                return yaml_load_file(path, root_dir, diag);
        yaml_fault(name, diag, "cannot read %s: %s", text, fault);
        return NULL;
}

YamlDocument *yaml_load_text(const char *text, const char *name, Diag *diag) {
        return load(name, text, strlen(text), NULL, diag);
}

const YamlNode *yaml_root(const YamlDocument *document) {
        return document->root;
}

const char *yaml_sha256(const YamlDocument *document) {
        return document->sha256;
}

const char *const *yaml_files(const YamlDocument *document) {
        return (const char *const *)document->files->pdata;
}

YamlKind yaml_kind(const YamlNode *node) {
        return node->kind;
}

const char *yaml_file(const YamlNode *node) {
        return node->file;
}

int yaml_line(const YamlNode *node) {
        return node->line;
}

int yaml_column(const YamlNode *node) {
        return node->column;
}

const char *yaml_text(const YamlNode *node) {
        return node && node->kind == YAML_SCALAR ? node->text : NULL;
}

unsigned yaml_size(const YamlNode *node) {
        return node && node->values ? node->values->len : 0;
}

const YamlNode *yaml_item(const YamlNode *sequence, unsigned i) {
        return g_ptr_array_index(sequence->values, i);
}

const YamlNode *yaml_key_node(const YamlNode *mapping, unsigned i) {
        return g_ptr_array_index(mapping->keys, i);
}

const char *yaml_key(const YamlNode *mapping, unsigned i) {
        return yaml_key_node(mapping, i)->text;
}

const YamlNode *yaml_value(const YamlNode *mapping, unsigned i) {
        return g_ptr_array_index(mapping->values, i);
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key) {
        if (!mapping || mapping->kind != YAML_MAPPING)
                return NULL;
        for (unsigned i = 0; i < mapping->keys->len; i++)
                if (g_str_equal(yaml_key(mapping, i), key))
                        return yaml_value(mapping, i);
        return NULL;
}

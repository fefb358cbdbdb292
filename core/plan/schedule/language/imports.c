/* Files that a channel file takes pools, templates and virtual assets from. */
#include "core/plan/schedule/language/language.h"

static const char *const import_keys[] = {"pools", "templates", "virtual_assets", "imports", "notes", NULL};

#define MAX_IMPORTS 24

void imports_clear(Imports *imports) {
        g_clear_pointer(&imports->documents, g_ptr_array_unref);
        g_clear_pointer(&imports->file, g_free);
        g_clear_pointer(&imports->sha256, g_free);
}

static bool is_loaded(const Imports *imports, const char *file) {
        for (guint i = 0; i < imports->documents->len; i++)
                if (g_str_equal(yaml_files(imports->documents->pdata[i])[0], file))
                        return true;
        return false;
}

static void read_list(Imports *imports, const YamlNode *list, const char *root_dir, Diag *diag);

static void read_import(Imports *imports, const YamlNode *name, const char *root_dir, Diag *diag) {
        if (imports->documents->len >= MAX_IMPORTS) {
                yaml_fault(name, diag, "more than %d files are imported", MAX_IMPORTS);
                return;
        }
        g_autoptr(YamlDocument) document = yaml_load_named(name, root_dir, diag);
        if (!document || is_loaded(imports, yaml_files(document)[0])) /* by two ways, or in a circle: once is enough */
                return;
        const YamlNode *root = yaml_root(document);
        if (g_strcmp0(imports->file, yaml_files(document)[0]) == 0) {
                yaml_fault(name, diag, "%s is imported by itself: imports go in a circle", yaml_text(name));
                return;
        }
        if (!reader_want(root, YAML_MAPPING, "an imported file", diag))
                return;
        yaml_check_keys(root, "an imported file", import_keys, diag);
        g_autofree char *before = g_steal_pointer(&imports->sha256);
        imports->sha256 = g_strconcat(before, "+", yaml_sha256(document), NULL);
        g_ptr_array_add(imports->documents, g_steal_pointer(&document));
        if (yaml_get(root, "imports"))
                read_list(imports, yaml_get(root, "imports"), root_dir, diag);
}

static void read_list(Imports *imports, const YamlNode *list, const char *root_dir, Diag *diag) {
        const bool several = yaml_kind(list) == YAML_SEQUENCE;
        for (unsigned i = 0; i < (several ? yaml_size(list) : 1); i++)
                read_import(imports, several ? yaml_item(list, i) : list, root_dir, diag);
}

void imports_read(Imports *imports, const YamlNode *root, const char *root_dir, Diag *diag) {
        *imports = (Imports){.documents = g_ptr_array_new_with_free_func((GDestroyNotify)yaml_document_free),
                             .file = g_canonicalize_filename(yaml_file(root), NULL),
                             .sha256 = g_strdup("")};
        if (yaml_get(root, "imports"))
                read_list(imports, yaml_get(root, "imports"), root_dir, diag);
}

/* INV-LANGUAGE-IMPORTS-001: what two imported files define is a fault; what the file defines itself goes before. */
static void check_twice(GHashTable *known, const YamlNode *part, const char *key, Diag *diag) {
        for (unsigned i = 0; i < yaml_size(part); i++) {
                const YamlNode *node = yaml_key_node(part, i), *first = g_hash_table_lookup(known, yaml_text(node));
                if (first)
                        yaml_fault(node, diag, "\"%s\" of %s is defined in %s already", yaml_text(node), key,
                                   yaml_file(first));
                else
                        g_hash_table_insert(known, (char *)yaml_text(node), (YamlNode *)node);
        }
}

Chain imports_parts(const Imports *imports, const YamlNode *root, const char *key, Diag *diag) {
        g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal); /* key -> node of an imported file */
        Chain parts = {.n = 0};
        const YamlNode *own = yaml_get(root, key);
        parts.nodes[parts.n++] = own && reader_want(own, YAML_MAPPING, key, diag) ? own : NULL;
        for (guint i = 0; i < imports->documents->len; i++) {
                const YamlNode *part = yaml_get(yaml_root(imports->documents->pdata[i]), key);
                if (!part || !reader_want(part, YAML_MAPPING, key, diag))
                        continue;
                chain_add(&parts, part);
                check_twice(known, part, key, diag);
        }
        return parts;
}

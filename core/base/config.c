#include "core/base/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/yaml.h"

#define SECOND_MS INT64_C(1000)
#define HOUR_MS (3600 * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)

static void source_free(ConfigSource *source) {
        g_free(source->kind);
        g_free(source->path);
        g_strfreev(source->maps);
        g_strfreev(source->sections);
        g_free(source);
}

static void sources_free(ConfigSource **sources) {
        for (size_t i = 0; sources[i]; i++)
                source_free(sources[i]);
        g_free(sources);
}

void config_free(Config *config) {
        if (!config)
                return;
        g_free(config->data_dir);
        g_free(config->channels_dir);
        g_strfreev(config->media_dirs);
        sources_free(config->sources);
        g_free(config->listen_address);
        g_free(config->public_url);
        g_free(config->segments_dir);
        g_free(config->tokens_file);
        g_free(config->ops_listen);
        g_free(config->ops_certificate);
        g_free(config->ops_key);
        g_strfreev(config->trusted_proxies);
        g_free(config->tuner_name);
        g_free(config->tuner_model);
        g_free(config->air_program);
        g_free(config->web_dir);
        g_free(config->led_clock);
        g_free(config);
}

char *config_path(const Config *config, const char *name) {
        return g_build_filename(config->data_dir, name, NULL);
}

/* --- built-in defaults ------------------------------------------------------------------------------------------- */

static Config *defaults(void) {
        Config *config = g_new0(Config, 1);
        config->listen_address = g_strdup("127.0.0.1");
        config->media_dirs = g_new0(char *, 1);
        config->sources = g_new0(ConfigSource *, 1);
        config->trusted_proxies = g_new0(char *, 1);
        config->port = 8080;
        config->linger_ms = 20 * SECOND_MS;
        config->min_epg_ms = 3 * DAY_MS;
        config->min_execution_ms = 6 * HOUR_MS;
        config->preroll_ms = 3 * SECOND_MS;
        config->segment_ms = SECOND_MS;
        config->max_connections = 4000;
        config->max_per_ip = 256;
        config->api_rate = 50;
        config->media_rate = 500;
        config->max_channels_running = 64;
        config->scan_threads = 2;
        config->tuner_name = g_strdup("RetroVue");
        config->tuner_model = g_strdup("HDHR5-4US");
        config->rescan_ms = 15 * INT64_C(60) * SECOND_MS;
        return config;
}

/* The folder of this program, links resolved; NULL when it cannot be found. */
static char *program_dir(const char *program_path) {
        g_autofree char *found = g_find_program_in_path(program_path);
        char resolved[PATH_MAX];
        if (!found || !realpath(found, resolved))
                return NULL;
        return g_path_get_dirname(resolved);
}

/* The first of dir/candidates (NULL-terminated) that exists; NULL when none does. */
static char *first_existing(const char *dir, const char *const *candidates, GFileTest test) {
        for (size_t i = 0; dir && candidates[i]; i++) {
                g_autofree char *path = g_canonicalize_filename(candidates[i], dir);
                if (g_file_test(path, test))
                        return g_steal_pointer(&path);
        }
        return NULL;
}

/* What depends on where this program lies: installed (bin/, share/retrovue/) or in its build folder (core/, air/). */
static void find_companions(Config *config, const char *program_path, Diag *diag) {
        static const char *const air[] = {"retrovue-air", "../air/retrovue-air", NULL};
        static const char *const web[] = {"../share/retrovue/web", "../web", NULL};
        g_autofree char *dir = program_dir(program_path);
        if (!config->air_program)
                config->air_program = first_existing(dir, air, G_FILE_TEST_IS_EXECUTABLE);
        if (!config->air_program)
                config->air_program = g_find_program_in_path("retrovue-air");
        if (!config->air_program) {
                config->air_program = g_canonicalize_filename("retrovue-air", dir);
                diag_add(diag, DIAG_WARNING, NULL, 0, 0,
                         "the playout engine retrovue-air is neither beside this program nor on PATH: no channel can "
                         "play; install it or set air_program");
        }
        if (!config->web_dir)
                config->web_dir = first_existing(dir, web, G_FILE_TEST_IS_DIR);
        if (!config->web_dir)
                config->web_dir = g_canonicalize_filename(web[0], dir);
}

/* --- the configuration file -------------------------------------------------------------------------------------- */

typedef struct {
        Config *config;
        Diag *diag;
        const char *dir; /* of the file: relative paths begin there */
} Reading;

static void read_path(Reading *reading, const YamlNode *node, char **path) {
        const char *text = NULL;
        if (!node || !yaml_read_text(node, &text, reading->diag))
                return;
        g_free(*path);
        *path = g_canonicalize_filename(text, reading->dir);
}

static void read_text(Reading *reading, const YamlNode *node, char **value) {
        const char *text = NULL;
        if (!node || !yaml_read_text(node, &text, reading->diag))
                return;
        g_free(*value);
        *value = g_strdup(text);
}

static void read_count(Reading *reading, const YamlNode *node, int64_t min, int64_t max, int *value) {
        int64_t number = 0;
        if (node && yaml_read_int(node, min, max, &number, reading->diag))
                *value = (int)number;
}

/* One text, or a list of texts; node may be NULL. */
static char **read_texts(Reading *reading, const YamlNode *node) {
        g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
        const unsigned n = !node ? 0 : yaml_kind(node) == YAML_SEQUENCE ? yaml_size(node) : 1;
        for (unsigned i = 0; i < n; i++) {
                const YamlNode *item = yaml_kind(node) == YAML_SEQUENCE ? yaml_item(node, i) : node;
                const char *text = NULL;
                if (yaml_read_text(item, &text, reading->diag))
                        g_strv_builder_add(texts, text);
        }
        return g_strv_builder_end(texts);
}

/* One folder, or a list of folders. */
static void read_media_dirs(Reading *reading, const YamlNode *node) {
        if (!node)
                return;
        char **dirs = read_texts(reading, node);
        for (size_t i = 0; dirs[i]; i++) {
                g_autofree char *given = dirs[i];
                dirs[i] = g_canonicalize_filename(given, reading->dir);
        }
        g_strfreev(reading->config->media_dirs);
        reading->config->media_dirs = dirs;
}

/* "plex: FILE" or "jellyfin: FILE", with "map" and "sections". NULL: it is neither. */
static ConfigSource *read_source(Reading *reading, const YamlNode *node) {
        static const char *const keys[] = {"plex", "jellyfin", "map", "sections", NULL};
        const bool mapping = yaml_kind(node) == YAML_MAPPING;
        if (mapping)
                yaml_check_keys(node, "sources", keys, reading->diag);
        const YamlNode *plex = mapping ? yaml_get(node, "plex") : NULL;
        const YamlNode *jellyfin = mapping ? yaml_get(node, "jellyfin") : NULL;
        if (!plex == !jellyfin) {
                yaml_fault(node, reading->diag,
                           "expected \"plex: FILE\" or \"jellyfin: FILE\", the library's database");
                return NULL;
        }
        ConfigSource *source = g_new0(ConfigSource, 1);
        source->kind = g_strdup(plex ? "plex" : "jellyfin");
        read_path(reading, plex ? plex : jellyfin, &source->path);
        source->maps = read_texts(reading, yaml_get(node, "map"));
        source->sections = read_texts(reading, yaml_get(node, "sections"));
        for (size_t i = 0; source->maps[i]; i++)
                if (!strstr(source->maps[i], "=/"))
                        yaml_fault(yaml_get(node, "map"), reading->diag,
                                   "expected FROM=TO, TO being an absolute path here: /data/tv=/mnt/tv");
        return source;
}

static void read_sources(Reading *reading, const YamlNode *node) {
        if (!node)
                return;
        if (yaml_kind(node) != YAML_SEQUENCE) {
                yaml_fault(node, reading->diag, "expected a list: \"- plex: FILE\", one library each");
                return;
        }
        ConfigSource **sources = g_new0(ConfigSource *, yaml_size(node) + 1);
        for (unsigned i = 0, n = 0; i < yaml_size(node); i++) {
                sources[n] = read_source(reading, yaml_item(node, i));
                n += sources[n] != NULL;
        }
        sources_free(reading->config->sources);
        reading->config->sources = sources;
}

static void read_limits(Reading *reading, const YamlNode *root) {
        Config *config = reading->config;
        const struct {
                const char *key;
                int64_t min_ms, max_ms, *value;
        } durations[] = {
                {"linger", 0, DAY_MS, &config->linger_ms},
                {"min_epg", DAY_MS, 60 * DAY_MS, &config->min_epg_ms},
                {"min_execution", 600 * SECOND_MS, 7 * DAY_MS, &config->min_execution_ms},
                {"preroll", 0, 30 * SECOND_MS, &config->preroll_ms},
                {"segment", 500, 10 * SECOND_MS, &config->segment_ms},
                {"rescan", 0, 7 * DAY_MS, &config->rescan_ms},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(durations); i++) {
                const YamlNode *node = yaml_get(root, durations[i].key);
                if (node)
                        (void)yaml_read_duration_ms(node, durations[i].min_ms, durations[i].max_ms, durations[i].value,
                                                    reading->diag);
        }
        read_count(reading, yaml_get(root, "max_connections"), 1, 100000, &config->max_connections);
        read_count(reading, yaml_get(root, "max_per_ip"), 0, 100000, &config->max_per_ip);
        read_count(reading, yaml_get(root, "api_rate"), 0, 100000, &config->api_rate);
        read_count(reading, yaml_get(root, "media_rate"), 0, 100000, &config->media_rate);
        read_count(reading, yaml_get(root, "max_channels_running"), 1, 1000, &config->max_channels_running);
        read_count(reading, yaml_get(root, "scan_threads"), 1, 64, &config->scan_threads);
}

static void read_root(Reading *reading, const YamlNode *root) {
        static const char *const keys[] = {"data_dir",
                                           "channels_dir",
                                           "media_dirs",
                                           "listen_address",
                                           "port",
                                           "public_url",
                                           "air_program",
                                           "web_dir",
                                           "segments_dir",
                                           "linger",
                                           "min_epg",
                                           "min_execution",
                                           "preroll",
                                           "segment",
                                           "scan_threads",
                                           "rescan",
                                           "max_connections",
                                           "max_channels_running",
                                           "tuner_name",
                                           "tuner_model",
                                           "tokens_file",
                                           "ops_listen",
                                           "ops_certificate",
                                           "ops_key",
                                           "trusted_proxies",
                                           "max_per_ip",
                                           "api_rate",
                                           "media_rate",
                                           "sources",
                                           NULL};
        Config *config = reading->config;
        if (yaml_kind(root) != YAML_MAPPING) {
                yaml_fault(root, reading->diag, "expected settings such as \"port: 8080\", one a line");
                return;
        }
        yaml_check_keys(root, NULL, keys, reading->diag);
        read_path(reading, yaml_get(root, "data_dir"), &config->data_dir);
        read_path(reading, yaml_get(root, "channels_dir"), &config->channels_dir);
        read_path(reading, yaml_get(root, "air_program"), &config->air_program);
        read_path(reading, yaml_get(root, "web_dir"), &config->web_dir);
        read_path(reading, yaml_get(root, "segments_dir"), &config->segments_dir);
        read_path(reading, yaml_get(root, "tokens_file"), &config->tokens_file);
        read_path(reading, yaml_get(root, "ops_certificate"), &config->ops_certificate);
        read_path(reading, yaml_get(root, "ops_key"), &config->ops_key);
        read_text(reading, yaml_get(root, "ops_listen"), &config->ops_listen);
        read_text(reading, yaml_get(root, "listen_address"), &config->listen_address);
        read_text(reading, yaml_get(root, "public_url"), &config->public_url);
        read_text(reading, yaml_get(root, "tuner_name"), &config->tuner_name);
        read_text(reading, yaml_get(root, "tuner_model"), &config->tuner_model);
        read_media_dirs(reading, yaml_get(root, "media_dirs"));
        if (yaml_get(root, "trusted_proxies")) {
                g_strfreev(config->trusted_proxies);
                config->trusted_proxies = read_texts(reading, yaml_get(root, "trusted_proxies"));
        }
        read_sources(reading, yaml_get(root, "sources"));
        int64_t port = 0;
        if (yaml_get(root, "port") && yaml_read_int(yaml_get(root, "port"), 0, 65535, &port, reading->diag))
                config->port = (int)port;
        read_limits(reading, root);
}

/* The file that was named must be there; <data>/retrovue.yaml may be. */
static void read_config_file(Config *config, const ConfigFlags *flags, Diag *diag) {
        g_autofree char *path = flags->config_file ? g_canonicalize_filename(flags->config_file, NULL)
                                                   : config_path(config, "retrovue.yaml");
        if (!flags->config_file && !g_file_test(path, G_FILE_TEST_EXISTS))
                return;
        g_autofree char *dir = g_path_get_dirname(path);
        g_autoptr(YamlDocument) document = yaml_load_file(path, dir, diag);
        if (document)
                read_root(&(Reading){config, diag, dir}, yaml_root(document));
}

/* --- flags and checks -------------------------------------------------------------------------------------------- */

static void override_text(char **value, const char *flag) {
        if (!flag)
                return;
        g_free(*value);
        *value = g_strdup(flag);
}

static void override_path(char **value, const char *flag) {
        if (!flag)
                return;
        g_free(*value);
        *value = g_canonicalize_filename(flag, NULL);
}

static void apply_flags(Config *config, const ConfigFlags *flags) { /* INV-CONFIG-001 */
        override_path(&config->data_dir, flags->data_dir);
        override_path(&config->channels_dir, flags->channels_dir);
        override_path(&config->air_program, flags->air_program);
        override_path(&config->web_dir, flags->web_dir);
        override_path(&config->led_clock, flags->led_clock);
        override_text(&config->listen_address, flags->listen_address);
        override_text(&config->public_url, flags->public_url);
        if (flags->port >= 0)
                config->port = flags->port;
        if (!flags->media_dirs || !flags->media_dirs[0])
                return;
        g_autoptr(GStrvBuilder) dirs = g_strv_builder_new();
        for (size_t i = 0; flags->media_dirs[i]; i++) {
                g_autofree char *dir = g_canonicalize_filename(flags->media_dirs[i], NULL);
                g_strv_builder_add(dirs, dir);
        }
        g_strfreev(config->media_dirs);
        config->media_dirs = g_strv_builder_end(dirs);
}

static void check_url(Config *config, Diag *diag) {
        char *url = config->public_url;
        if (!url)
                return;
        while (g_str_has_suffix(url, "/"))
                url[strlen(url) - 1] = '\0';
        g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
        const char *scheme = uri ? g_uri_get_scheme(uri) : "";
        if ((!g_str_equal(scheme, "http") && !g_str_equal(scheme, "https")) || !g_uri_get_host(uri))
                diag_add(diag, DIAG_ERROR, NULL, 0, 0,
                         "public_url: \"%s\" is not an address such as https://tv.example.org", config->public_url);
}

static bool is_address_with_port(const char *text) {
        const char *colon = strrchr(text, ':');
        guint64 port;
        if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 0, 65535, &port, NULL))
                return false;
        const bool bracketed = text[0] == '[' && colon > text + 2 && colon[-1] == ']';
        g_autofree char *host =
                bracketed ? g_strndup(text + 1, (gsize)(colon - text) - 2) : g_strndup(text, (gsize)(colon - text));
        return g_hostname_is_ip_address(host) && bracketed == (strchr(host, ':') != NULL);
}

/* The operations API changes what airs: by TCP it is for who shows a token, over TLS, or not at all. */
static void check_ops(const Config *config, Diag *diag) {
        if (!config->ops_listen)
                return;
        if (!is_address_with_port(config->ops_listen))
                diag_add(diag, DIAG_ERROR, NULL, 0, 0,
                         "ops_listen: \"%s\" is not an address and a port such as 0.0.0.0:8412 or [::]:8412",
                         config->ops_listen);
        if (!config->ops_certificate || !config->ops_key)
                diag_add(diag, DIAG_ERROR, NULL, 0, 0,
                         "ops_listen: name the certificate and its key, two PEM files, as ops_certificate and ops_key");
        if (!config->tokens_file)
                diag_add(diag, DIAG_ERROR, NULL, 0, 0,
                         "ops_listen: name a file of tokens as tokens_file, for those who may ask");
}

static void check(Config *config, Diag *diag) { /* INV-CONFIG-002 */
        if (!g_hostname_is_ip_address(config->listen_address))
                diag_add(diag, DIAG_ERROR, NULL, 0, 0,
                         "listen_address: \"%s\" is not an IP address such as 127.0.0.1 or 0.0.0.0",
                         config->listen_address);
        if (config->port < 0 || config->port > 65535)
                diag_add(diag, DIAG_ERROR, NULL, 0, 0, "port: %d is not within 0 to 65535", config->port);
        if (config->air_program && !g_file_test(config->air_program, G_FILE_TEST_IS_EXECUTABLE))
                diag_add(diag, DIAG_ERROR, NULL, 0, 0, "air_program: %s is not an executable file",
                         config->air_program);
        check_url(config, diag);
        check_ops(config, diag);
}

Config *config_new(const ConfigFlags *flags, const char *program_path, Diag *diag) {
        g_autoptr(Config) config = defaults();
        config->data_dir = flags->data_dir ? g_canonicalize_filename(flags->data_dir, NULL)
                                           : g_build_filename(g_get_user_data_dir(), "retrovue", NULL);
        const unsigned errors_before = diag_errors(diag);
        read_config_file(config, flags, diag);
        apply_flags(config, flags);
        check(config, diag);
        if (diag_errors(diag) > errors_before)
                return NULL;
        find_companions(config, program_path, diag);
        if (!config->channels_dir)
                config->channels_dir = config_path(config, "channels");
        return g_steal_pointer(&config);
}

#include <string.h>
#include <sys/stat.h>

#include "core/plan/schedule/language/language.h"
#include "core/plan/schedule/style/style.h"
#include "proto/base/hash.h"
#include "proto/base/id.h"

static const char *const top_keys[] = {"channel",
                                       "number",
                                       "programs",
                                       "presentation",
                                       "channel_number",
                                       "name",
                                       "channel_type",
                                       "timezone",
                                       "template",
                                       "format",
                                       "filler",
                                       "pools",
                                       "virtual_assets",
                                       "templates",
                                       "traffic",
                                       "notes",
                                       "schedule",
                                       "imports",
                                       "logo",
                                       "group",
                                       "broadcast_day_start",
                                       "grid_minutes",
                                       "broadcast_day",
                                       "sound",
                                       "subtitles",
                                       "graphics",
                                       "signalling",
                                       "hls",
                                       NULL};
static const char *const format_keys[] = {"video", "audio", "renditions", "grid_minutes", NULL};
static const char *const video_keys[] = {"width",  "height",  "frame_rate", "bitrate_kbps",
                                         "preset", "encoder", "buffer_ms",  NULL};
static const char *const hls_keys[] = {"low_latency", "part_ms", NULL};
static const char *const rendition_keys[] = {"height", "bitrate_kbps", NULL};
static const char *const audio_keys[] = {"sample_rate", "channels", "bitrate_kbps", "codec", NULL};
static const char *const type_words[] = {"network", "movie", "premium", NULL};
static const char *const template_words[] = {"network_television", "premium_movie", NULL};
static const int grids[] = {5, 10, 15, 20, 30, 60};

#define DEFAULTS_NAME "_defaults.yaml"
#define MAX_POOLS 10000
#define DEFAULT_PART_MS 200
#define TEXT_MAX 200 /* bytes of a name; it becomes the title of filler, which may be longer */

static void rules_free(ScheduleRules *rules) {
        g_clear_pointer(&rules->pools, g_ptr_array_unref);
        g_clear_pointer(&rules->layers, g_ptr_array_unref);
        g_clear_pointer(&rules->filler, asset_free);
        g_free(rules->filler_pool);
        break_policy_clear(&rules->policy);
        channel_graphics_clear(&rules->graphics);
        g_free(rules);
}

ChannelSpec *channel_spec_ref(ChannelSpec *spec) {
        g_atomic_int_inc(&spec->refs);
        return spec;
}

void channel_spec_unref(ChannelSpec *spec) {
        if (!spec || !g_atomic_int_dec_and_test(&spec->refs))
                return;
        g_free(spec->id);
        g_free(spec->name);
        g_free(spec->timezone);
        g_clear_pointer(&spec->zone, g_time_zone_unref);
        g_free(spec->logo);
        g_free(spec->group);
        g_free(spec->source_file);
        g_free(spec->source_sha256);
        house_style_unref(spec->style);
        g_clear_pointer(&spec->rules, rules_free);
        g_free(spec);
}

char *channel_spec_time(const ChannelSpec *spec, int64_t utc_ms, const char *format) {
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, spec->zone);
        return g_date_time_format(local, format);
}

static ChannelSpec *spec_new(const char *path) {
        ChannelSpec *spec = g_new0(ChannelSpec, 1);
        spec->refs = 1;
        spec->type = CHANNEL_NETWORK;
        spec->format = house_format_default();
        spec->style = house_style_new();
        spec->grid_minutes = 30;
        spec->day_start_minutes = 6 * 60;
        spec->source_file = g_canonicalize_filename(path, NULL);
        spec->rules = g_new0(ScheduleRules, 1);
        spec->rules->pools = g_ptr_array_new_with_free_func((GDestroyNotify)pool_free);
        spec->rules->layers = g_ptr_array_new_with_free_func((GDestroyNotify)layer_free);
        spec->rules->policy = break_policy_default();
        spec->rules->graphics = channel_graphics_default();
        return spec;
}

/* --- identity -------------------------------------------------------------------------------------------------------
 */

static void read_string(const YamlNode *root, const char *key, char **ret_text, Diag *diag) {
        const YamlNode *node = yaml_get(root, key);
        const char *text = NULL;
        if (!node || !yaml_read_text(node, &text, diag))
                return;
        const char *control = text;
        while ((unsigned char)*control >= ' ')
                control++;
        if (*control)
                yaml_fault(node, diag, "\"%s\" must be a single line without control characters", key);
        else if (strlen(text) > TEXT_MAX)
                yaml_fault(node, diag, "\"%s\" is too long: %d bytes at most", key, TEXT_MAX);
        else
                *ret_text = g_strdup(text);
}

static void read_identity(ChannelSpec *spec, const YamlNode *root, Diag *diag) {
        const YamlNode *channel = yaml_get(root, "channel"), *type = yaml_get(root, "channel_type");
        const YamlNode *number = yaml_get(root, "channel_number"), *short_number = yaml_get(root, "number");
        int64_t value = 0;
        if (!channel)
                yaml_fault(root, diag, "\"channel\" is missing: a short name like \"retro1\"");
        read_string(root, "channel", &spec->id, diag);
        if (spec->id && !rv_slug_valid(spec->id))
                yaml_fault(channel, diag,
                           "\"%s\" cannot name a channel: use a-z, 0-9, \"-\" and \"_\" only (at most 64, no capitals)",
                           spec->id);
        if (number && short_number)
                yaml_fault(short_number, diag, "give either \"channel_number\" or \"number\": they are the same");
        number = number ? number : short_number;
        if (number && yaml_read_int(number, 1, 9999, &value, diag))
                spec->number = (int32_t)value;
        const int choice = type ? reader_choice(type, type_words, diag) : 0;
        if (choice >= 0)
                spec->type = choice == 0 ? CHANNEL_NETWORK : CHANNEL_MOVIE; /* premium: what they called it later */
        read_string(root, "name", &spec->name, diag);
        read_string(root, "logo", &spec->logo, diag);
        read_string(root, "group", &spec->group, diag);
        if (!spec->name)
                spec->name = g_strdup(spec->id);
}

/* --- time and format ------------------------------------------------------------------------------------------------
 */

static void read_timezone(ChannelSpec *spec, const YamlNode *root, Diag *diag) {
        const YamlNode *node = yaml_get(root, "timezone");
        if (!node) {
                yaml_fault(root, diag, "\"timezone\" is missing: an IANA name like \"America/New_York\"");
                return;
        }
        read_string(root, "timezone", &spec->timezone, diag);
        if (!spec->timezone)
                return;
        /* GLib also takes offsets and POSIX rules, which say nothing about future changes of clock. */
        const bool named = strchr(spec->timezone, '/') || strcmp(spec->timezone, "UTC") == 0;
        spec->zone = named ? g_time_zone_new_identifier(spec->timezone) : NULL;
        if (!spec->zone)
                yaml_fault(node, diag, "no time zone \"%s\": use an IANA name like \"Europe/Berlin\" or \"UTC\"",
                           spec->timezone);
}

static void read_preset(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        const char *words[VIDEO_MEDIUM + 1] = {NULL};
        for (VideoPreset preset = VIDEO_ULTRAFAST; preset <= VIDEO_MEDIUM; preset++)
                words[preset - VIDEO_ULTRAFAST] = video_preset_name(preset);
        const int choice = reader_choice(node, words, diag);
        if (choice >= 0)
                spec->format.video_preset = VIDEO_ULTRAFAST + (VideoPreset)choice;
}

static void read_encoder(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        const char *words[ENCODER_NVENC + 1] = {NULL};
        for (VideoEncoder encoder = ENCODER_SOFTWARE; encoder <= ENCODER_NVENC; encoder++)
                words[encoder - ENCODER_SOFTWARE] = video_encoder_name(encoder);
        const int choice = reader_choice(node, words, diag);
        if (choice >= 0)
                spec->format.video_encoder = ENCODER_SOFTWARE + (VideoEncoder)choice;
}

static void read_frame_rate(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        if (!yaml_read_text(node, &text, diag))
                return;
        if (!rv_rational_parse(text, &spec->format.rate)) {
                yaml_fault(node, diag, "\"%s\" is not a frame rate: write it exactly, like \"30000/1001\" or 25", text);
                return;
        }
        spec->format.gop_frames = (spec->format.rate.num + spec->format.rate.den - 1) / spec->format.rate.den;
}

static void read_video(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!reader_want(node, YAML_MAPPING, "format.video", diag))
                return;
        yaml_check_keys(node, "format.video", video_keys, diag);
        const YamlNode *width = yaml_get(node, "width"), *height = yaml_get(node, "height");
        const YamlNode *bitrate = yaml_get(node, "bitrate_kbps"), *buffer = yaml_get(node, "buffer_ms");
        if (width && yaml_read_int(width, 64, 4096, &value, diag))
                spec->format.width = (int32_t)value;
        if (height && yaml_read_int(height, 64, 4096, &value, diag))
                spec->format.height = (int32_t)value;
        if (bitrate && yaml_read_int(bitrate, 100, 50000, &value, diag))
                spec->format.video_bitrate_kbps = (int32_t)value;
        if (buffer && yaml_read_int(buffer, 100, 5000, &value, diag))
                spec->format.video_buffer_ms = (int32_t)value;
        if (yaml_get(node, "preset"))
                read_preset(spec, yaml_get(node, "preset"), diag);
        if (yaml_get(node, "encoder"))
                read_encoder(spec, yaml_get(node, "encoder"), diag);
        if (yaml_get(node, "frame_rate"))
                read_frame_rate(spec, yaml_get(node, "frame_rate"), diag);
}

/* A codec that is named brings its own bit rate, unless that is named, too. */
static void read_codec(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        const char *words[AUDIO_MP2 + 1] = {NULL};
        for (AudioCodec codec = AUDIO_AAC; codec <= AUDIO_MP2; codec++)
                words[codec - AUDIO_AAC] = audio_codec_name(codec);
        const int choice = reader_choice(node, words, diag);
        if (choice < 0)
                return;
        spec->format.audio_codec = AUDIO_AAC + (AudioCodec)choice;
        spec->format.audio_bitrate_kbps = audio_codec_bitrate_kbps(spec->format.audio_codec);
        if (spec->format.audio_codec != AUDIO_AAC)
                reader_warn(node, diag, "most browsers do not play %s: on the page this channel may have no sound",
                            audio_codec_name(spec->format.audio_codec));
}

static void read_audio(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!reader_want(node, YAML_MAPPING, "format.audio", diag))
                return;
        yaml_check_keys(node, "format.audio", audio_keys, diag);
        const YamlNode *rate = yaml_get(node, "sample_rate"), *channels = yaml_get(node, "channels");
        const YamlNode *bitrate = yaml_get(node, "bitrate_kbps");
        if (yaml_get(node, "codec"))
                read_codec(spec, yaml_get(node, "codec"), diag);
        if (rate && yaml_read_int(rate, 8000, 192000, &value, diag))
                spec->format.sample_rate_hz = (int32_t)value;
        if (channels && yaml_read_int(channels, 1, 8, &value, diag))
                spec->format.channels = (int32_t)value;
        if (bitrate && yaml_read_int(bitrate, 16, 1024, &value, diag))
                spec->format.audio_bitrate_kbps = (int32_t)value;
}

static void read_rendition(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!reader_want(node, YAML_MAPPING, "a rendition", diag))
                return;
        yaml_check_keys(node, "a rendition", rendition_keys, diag);
        const YamlNode *height = yaml_get(node, "height"), *bitrate = yaml_get(node, "bitrate_kbps");
        if (!height || !bitrate)
                yaml_fault(node, diag, "a rendition needs \"height\" and \"bitrate_kbps\"");
        if (height && yaml_read_int(height, 64, 4096, &value, diag))
                spec->format.second_height = (int32_t)value;
        if (bitrate && yaml_read_int(bitrate, 100, 50000, &value, diag))
                spec->format.second_bitrate_kbps = (int32_t)value;
}

static void read_renditions(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        if (!reader_want(node, YAML_SEQUENCE, "format.renditions", diag))
                return;
        spec->format.second_height = spec->format.second_bitrate_kbps = 0;
        if (yaml_size(node) > 1)
                yaml_fault(node, diag, "there can be one more rendition beside the channel's own, not several");
        else if (yaml_size(node) == 1)
                read_rendition(spec, yaml_item(node, 0), diag);
}

/* Of the shape that the channel has, whatever said its size. */
static void shape_second(HouseFormat *format) {
        if (format->second_height == 0 || format->height <= 0)
                return;
        const int64_t half = rv_mul_div_floor(format->second_height, format->width, 2 * (int64_t)format->height);
        format->second_width = (int32_t)(2 * half);
}

static void read_grid(ChannelSpec *spec, const YamlNode *node, Diag *diag) {
        int64_t value = 0;
        if (!yaml_read_int(node, 1, 60, &value, diag))
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(grids); i++)
                if (grids[i] == value)
                        spec->grid_minutes = (int32_t)value;
        if (spec->grid_minutes != value)
                yaml_fault(node, diag, "grid_minutes must be 5, 10, 15, 20, 30 or 60");
        else if (spec->zone && !zone_suits_grid(spec->zone, spec->grid_minutes))
                yaml_fault(node, diag,
                           "a grid of %d minutes does not go with %s, where clocks change by less: use 5, 10, 15 or 30",
                           spec->grid_minutes, spec->timezone);
}

static void read_format_part(ChannelSpec *spec, const YamlNode *format, Diag *diag) {
        if (!format || !reader_want(format, YAML_MAPPING, "format", diag))
                return;
        yaml_check_keys(format, "format", format_keys, diag);
        if (yaml_get(format, "video"))
                read_video(spec, yaml_get(format, "video"), diag);
        if (yaml_get(format, "audio"))
                read_audio(spec, yaml_get(format, "audio"), diag);
        if (yaml_get(format, "renditions"))
                read_renditions(spec, yaml_get(format, "renditions"), diag);
        if (yaml_get(format, "grid_minutes"))
                read_grid(spec, yaml_get(format, "grid_minutes"), diag);
}

/* Of _defaults.yaml or the file: what is not said stays. */
static void read_hls_part(const YamlNode *hls, bool *low_latency, int64_t *part_ms, Diag *diag) {
        if (!hls || !reader_want(hls, YAML_MAPPING, "hls", diag))
                return;
        yaml_check_keys(hls, "hls", hls_keys, diag);
        const YamlNode *wanted = yaml_get(hls, "low_latency"), *length = yaml_get(hls, "part_ms");
        if (wanted)
                (void)!yaml_read_bool(wanted, low_latency, diag);
        if (length)
                (void)!yaml_read_int(length, 100, 1000, part_ms, diag);
}

static void read_hls(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        bool low_latency = false;
        int64_t part_ms = DEFAULT_PART_MS;
        read_hls_part(yaml_get(defaults, "hls"), &low_latency, &part_ms, diag);
        read_hls_part(yaml_get(root, "hls"), &low_latency, &part_ms, diag);
        spec->hls_part_ms = low_latency ? (int32_t)part_ms : 0;
}

/* `template` of the original: a grid of 30 minutes, or for film channels one of 15. */
static void read_template(ChannelSpec *spec, const YamlNode *root, Diag *diag) {
        const YamlNode *template = yaml_get(root, "template");
        const int choice = template ? reader_choice(template, template_words, diag) : -1;
        if (choice < 0)
                return;
        spec->grid_minutes = choice == 1 ? 15 : 30;
        if (!yaml_get(root, "channel_type"))
                spec->type = choice == 1 ? CHANNEL_MOVIE : CHANNEL_NETWORK;
}

/* What _defaults.yaml says first, then the file. */
static void read_format(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        const unsigned errors = diag_errors(diag);
        const YamlNode *format = yaml_get(root, "format"), *start = yaml_get(root, "broadcast_day_start");
        read_format_part(spec, yaml_get(defaults, "format"), diag);
        read_template(spec, root, diag);
        if (yaml_get(root, "grid_minutes"))
                read_grid(spec, yaml_get(root, "grid_minutes"), diag);
        read_format_part(spec, format, diag);
        shape_second(&spec->format);
        const char *fault = house_format_fault(&spec->format);
        if (fault && diag_errors(diag) == errors)
                yaml_fault(format ? format : root, diag, "format cannot be put on the air: %s", fault);
        if (start && reader_clock(start, &spec->day_start_minutes, diag) &&
            spec->day_start_minutes % spec->grid_minutes != 0)
                yaml_fault(start, diag, "broadcast_day_start is not on the channel's %d-minute grid",
                           spec->grid_minutes);
}

/* Whether pools or templates may be missing only because what they stand in could not be read. */
static bool is_incomplete(const YamlNode *root) {
        static const char *const parts[] = {"pools", "virtual_assets", "templates"};
        bool incomplete = false;
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                const YamlNode *part = yaml_get(root, parts[i]);
                incomplete = incomplete || (part && yaml_kind(part) != YAML_MAPPING);
        }
        return incomplete;
}

/* --- the file -------------------------------------------------------------------------------------------------------
 */

static void read_pool(ChannelSpec *spec, const YamlNode *key, const YamlNode *node, Diag *diag) {
        const char *name = yaml_text(key);
        if (rules_pool(spec->rules, name)) /* the file's own go before imported ones */
                return;
        Pool *pool = pool_read(name, node, diag);
        if (!pool) { /* its faults are told; an empty stand-in keeps its users from being told of too */
                pool = g_new0(Pool, 1);
                pool->name = g_strdup(name);
                pool->faulty = true;
        }
        if (*name == '\0' || strchr(name, '+'))
                yaml_fault(key, diag, "a pool's name must not be empty, nor contain \"+\"");
        g_ptr_array_add(spec->rules->pools, pool);
}

static void read_pools(ChannelSpec *spec, const Chain *parts, Diag *diag) {
        unsigned n = 0;
        for (unsigned part = 0; part < parts->n; part++) {
                const YamlNode *pools = parts->nodes[part];
                n += yaml_size(pools);
                if (n > MAX_POOLS) {
                        yaml_fault(pools, diag, "there are more than %d pools", MAX_POOLS);
                        return;
                }
                for (unsigned i = 0; i < yaml_size(pools); i++)
                        read_pool(spec, yaml_key_node(pools, i), yaml_value(pools, i), diag);
        }
}

static void read_virtual_assets(ChannelSpec *spec, const Chain *parts, Diag *diag) {
        for (unsigned part = 0; part < parts->n; part++)
                for (unsigned i = 0; i < yaml_size(parts->nodes[part]); i++)
                        virtual_read(spec->rules, parts, yaml_key_node(parts->nodes[part], i),
                                     yaml_value(parts->nodes[part], i), diag);
}

/* _defaults.yaml beside the file; NULL when there is none, or with faults. */
static YamlDocument *load_defaults(const ChannelSpec *spec, const char *root_dir, Diag *diag) {
        static const char *const keys[] = {"traffic",   "filler",   "format",     "notes", "sound",
                                           "subtitles", "graphics", "signalling", "hls",   NULL};
        g_autofree char *directory = g_path_get_dirname(spec->source_file);
        g_autofree char *path = g_build_filename(directory, DEFAULTS_NAME, NULL);
        YamlDocument *defaults = g_file_test(path, G_FILE_TEST_EXISTS) ? yaml_load_file(path, root_dir, diag) : NULL;
        if (defaults && reader_want(yaml_root(defaults), YAML_MAPPING, DEFAULTS_NAME, diag))
                yaml_check_keys(yaml_root(defaults), DEFAULTS_NAME, keys, diag);
        return defaults;
}

/* INV-TRAFFIC-POLICY-SOURCE-001: the channel's `traffic` over that of _defaults.yaml beside it. */
static void read_policy(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        if (yaml_get(defaults, "traffic"))
                policy_read(&spec->rules->policy, yaml_get(defaults, "traffic"), diag);
        if (yaml_get(root, "traffic"))
                policy_read(&spec->rules->policy, yaml_get(root, "traffic"), diag);
        for (int i = 0; i < 2; i++) {
                const YamlNode *traffic = yaml_get(i == 0 ? defaults : root, "traffic");
                if (traffic && yaml_kind(traffic) == YAML_MAPPING)
                        profile_read(spec->rules, traffic, diag);
        }
}

/* INV-LANGUAGE-COMPATIBLE-001: without one of its own the channel has that of _defaults.yaml. */
static void read_filler(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, Diag *diag) {
        const YamlNode *filler = yaml_get(root, "filler") ? yaml_get(root, "filler") : yaml_get(defaults, "filler");
        if (!filler)
                return;
        filler_read(spec->rules, spec, filler, diag);
        const Pool *pool = spec->rules->filler_pool ? rules_pool(spec->rules, spec->rules->filler_pool) : NULL;
        if (pool && pool->composition)
                yaml_fault(filler, diag, "filler cannot be the virtual asset \"%s\": name a pool", pool->name);
}

static void read_parts(ChannelSpec *spec, const YamlNode *root, const YamlNode *defaults, const Imports *imports,
                       Diag *diag) {
        const Chain pools = imports_parts(imports, root, "pools", diag);
        Reader reader = {.rules = spec->rules,
                         .spec = spec,
                         .templates = imports_parts(imports, root, "templates", diag),
                         .programs = yaml_get(root, "programs"),
                         .traffic_profile = profile_name(yaml_get(root, "traffic")),
                         .diag = diag};
        const Chain virtual_assets = imports_parts(imports, root, "virtual_assets", diag);
        read_pools(spec, &pools, diag);
        read_virtual_assets(spec, &virtual_assets, diag);
        if (reader.programs && !reader_want(reader.programs, YAML_MAPPING, "programs", diag))
                reader.programs = NULL;
        program_read_all(&reader);
        if (yaml_get(root, "presentation"))
                reader_warn(yaml_get(root, "presentation"), diag,
                            "\"presentation\" is not played: what stands before and after programmes is said by "
                            "traffic.structure (docs/TRAFFIC.md), or by a virtual asset of kind block");
        read_filler(spec, root, defaults, diag);
        if (yaml_get(root, "schedule"))
                schedule_read(&reader, yaml_get(root, "schedule"));
        else
                yaml_fault(root, diag, "\"schedule\" is missing: say what the channel shows");
        read_policy(spec, root, defaults, diag);
}

static void read_file(ChannelSpec *spec, const YamlDocument *document, const char *root_dir, Diag *diag) {
        const YamlNode *root = yaml_root(document);
        char sha256[RV_SHA256_HEX_SIZE];
        g_auto(Imports) imports = {0};
        if (!reader_want(root, YAML_MAPPING, "a channel file", diag))
                return;
        g_autoptr(YamlDocument) defaults_document = load_defaults(spec, root_dir, diag);
        const YamlNode *defaults = defaults_document ? yaml_root(defaults_document) : NULL;
        yaml_check_keys(root, "the channel file", top_keys, diag);
        const unsigned errors = diag_errors(diag);
        imports_read(&imports, root, root_dir, diag);
        spec->rules->incomplete = diag_errors(diag) != errors || is_incomplete(root);
        read_identity(spec, root, diag);
        read_timezone(spec, root, diag);
        read_format(spec, root, defaults, diag);
        read_hls(spec, root, defaults, diag);
        style_read(spec, root, defaults, diag);
        read_parts(spec, root, defaults, &imports, diag);
        g_autofree char *all =
                g_strconcat(yaml_sha256(document), "+", defaults_document ? yaml_sha256(defaults_document) : "",
                            imports.sha256, NULL);
        rv_sha256_hex(all, strlen(all), sha256);
        spec->source_sha256 = g_strdup(sha256);
}

/* The faults in the file, and of what of it is known those against the catalog. False: there are some. */
static bool read_all(ChannelSpec *spec, const YamlDocument *document, const char *root_dir,
                     const CatalogSnapshot *catalog, Diag *diag) {
        const ScheduleFrom from = {0};
        read_file(spec, document, root_dir, diag);
        const bool good = diag_errors(diag) == 0;
        if (!catalog)
                return good;
        if (!spec->id) /* a faulty one, on its way out */
                spec->id = g_strdup("");
        g_autoptr(Rotation) rotation = rotation_new(spec, catalog, &from, NULL, diag);
        if (rotation && good)
                break_policy_check(&spec->rules->policy, catalog, diag);
        return rotation && good;
}

/* "FILE:LINE:COLUMN" */
static char *place_text(const DiagEntry *entry) {
        return g_strdup_printf("%s:%d:%d", entry->file ? entry->file : "", entry->line, entry->column);
}

/* Where something could not be included: what it then is not, is no fault of its own. */
static GHashTable *failed_includes(const Diag *found) {
        GHashTable *places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (unsigned i = 0; i < diag_count(found); i++)
                if (g_str_has_prefix(diag_get(found, i)->message, "cannot include "))
                        g_hash_table_add(places, place_text(diag_get(found, i)));
        return places;
}

/* INV-SCHEDULE-FAULTS-001: what is wrong at one place is told once, by however many ways it is come upon. */
static void tell_each_once(const Diag *found, Diag *diag) {
        static const char uses[] = "\\(used in [^)]*\\)|(schedule|templates)\\.[^ ,:)]*|[^ ]*@\\d\\d:\\d\\d[^ ,:)]*";
        g_autoptr(GRegex) regex = g_regex_new(uses, 0, 0, NULL);
        g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) failed = failed_includes(found);
        unsigned errors = 0;
        for (unsigned i = 0; i < diag_count(found); i++) {
                const DiagEntry *entry = diag_get(found, i);
                g_autofree char *message = g_regex_replace_literal(regex, entry->message, -1, 0, "", 0, NULL);
                errors += entry->severity == DIAG_ERROR;
                g_autofree char *place = place_text(entry);
                char *key = g_strdup_printf("%d %s %s", entry->severity, place, message ? message : entry->message);
                const bool follows =
                        g_hash_table_contains(failed, place) && !g_str_has_prefix(entry->message, "cannot include ");
                if (g_hash_table_add(told, key) && !follows)
                        diag_add(diag, entry->severity, entry->file, entry->line, entry->column, "%s", entry->message);
        }
        for (; errors < diag_errors(found); errors++)
                diag_add(diag, DIAG_ERROR, NULL, 0, 0, "there are more faults than are shown");
}

ChannelSpec *channel_spec_load(const char *path, const char *root_dir, const CatalogSnapshot *catalog, Diag *diag) {
        g_autoptr(ChannelSpec) spec = spec_new(path);
        g_autoptr(Diag) found = diag_new();
        g_autoptr(YamlDocument) document = yaml_load_file(path, root_dir, found);
        const bool good = document && read_all(spec, document, root_dir, catalog, found);
        tell_each_once(found, diag);
        return good ? g_steal_pointer(&spec) : NULL;
}

/* --- the directory --------------------------------------------------------------------------------------------------
 */

static gint compare_texts(gconstpointer a, gconstpointer b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *channel_files(const char *dir, Diag *diag) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GDir) directory = g_dir_open(dir, 0, &error);
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        if (!directory) {
                diag_add(diag, DIAG_ERROR, dir, 0, 0, "cannot read the channels directory: %s", error->message);
                return names;
        }
        for (const char *name; (name = g_dir_read_name(directory));)
                if (g_str_has_suffix(name, ".yaml") && *name != '_' && *name != '.')
                        g_ptr_array_add(names, g_build_filename(dir, name, NULL));
        g_ptr_array_sort(names, compare_texts);
        return names;
}

/* The file's place in faults; a duplicate is the later one. */
static bool is_duplicate(const GPtrArray *specs, const ChannelSpec *spec, Diag *diag) {
        for (guint i = 0; i < specs->len; i++) {
                const ChannelSpec *other = specs->pdata[i];
                const bool same_id = g_strcmp0(other->id, spec->id) == 0;
                if (!same_id && (spec->number == 0 || other->number != spec->number))
                        continue;
                if (same_id)
                        diag_add(diag, DIAG_ERROR, spec->source_file, 1, 1, "channel \"%s\" is defined in %s already",
                                 spec->id, other->source_file);
                else
                        diag_add(diag, DIAG_ERROR, spec->source_file, 1, 1,
                                 "channel_number %d is that of \"%s\" in %s already", spec->number, other->id,
                                 other->source_file);
                return true;
        }
        return false;
}

static bool number_taken(const GPtrArray *specs, int32_t number) {
        for (guint i = 0; i < specs->len; i++)
                if (((const ChannelSpec *)specs->pdata[i])->number == number)
                        return true;
        return false;
}

static gint compare_numbers(gconstpointer a, gconstpointer b) {
        return (*(const ChannelSpec *const *)a)->number - (*(const ChannelSpec *const *)b)->number;
}

GPtrArray *channel_specs_load(const char *dir, const CatalogSnapshot *catalog, Diag *diag) {
        GPtrArray *specs = g_ptr_array_new_with_free_func((GDestroyNotify)channel_spec_unref);
        g_autoptr(GPtrArray) files = channel_files(dir, diag);
        for (guint i = 0; i < files->len; i++) {
                g_autoptr(ChannelSpec) spec = channel_spec_load(files->pdata[i], dir, catalog, diag);
                if (spec && !is_duplicate(specs, spec, diag))
                        g_ptr_array_add(specs, g_steal_pointer(&spec));
        }
        int32_t number = 1;
        for (guint i = 0; i < specs->len; i++) {
                ChannelSpec *spec = specs->pdata[i];
                while (spec->number == 0 && number_taken(specs, number))
                        number++;
                spec->number = spec->number ? spec->number : number;
                spec->style->service_id = spec->number;
        }
        g_ptr_array_sort(specs, compare_numbers);
        return specs;
}

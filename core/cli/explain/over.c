/* `retrovue plan explain`: what stands over the picture at an instant. */
#include <stdio.h>

#include "core/cli/cli.h"
#include "core/plan/transmission_log/transmission_log.h"

/* The segment that is on at the instant. */
static json_t *segment_over(const BlockPlan *block, int64_t utc_ms) {
        int64_t start = block->start_utc_ms;
        uint32_t i = 0;
        for (; start + block->segments[i].duration_ms <= utc_ms; i++)
                start += block->segments[i].duration_ms;
        json_t *object = json_pack("{s:I}", "start_utc_ms", (json_int_t)start);
        transmission_log_put_graphics(object, &block->segments[i]);
        if (json_object_size(object) > 1)
                return object;
        json_decref(object);
        return NULL;
}

json_t *cli_explain_over(const CliLook *look, const ChannelSpec *spec, int64_t utc_ms, GError **error) {
        g_autoptr(GPtrArray) blocks = transmission_log_blocks(look->store, spec->id, utc_ms, error);
        for (guint i = 0; blocks && i < blocks->len; i++) {
                const BlockPlan *block = blocks->pdata[i];
                if (block->start_utc_ms <= utc_ms && utc_ms < block->end_utc_ms)
                        return segment_over(block, utc_ms);
        }
        return NULL;
}

void cli_print_over(const ChannelSpec *spec, const json_t *over) {
        const json_t *snipes = json_object_get(over, "snipes");
        const int64_t start = json_integer_value(json_object_get(over, "start_utc_ms"));
        if (json_is_true(json_object_get(over, "logo")))
                printf("  %-10s the logo stands over it\n", "graphics");
        for (size_t i = 0; i < json_array_size(snipes); i++) {
                const json_t *snipe = json_array_get(snipes, i);
                const char *detail = json_string_value(json_object_get(snipe, "detail"));
                const int64_t at = start + json_integer_value(json_object_get(snipe, "start_ms"));
                g_autofree char *time = channel_spec_time(spec, at, "%H:%M:%S");
                g_autofree char *length = cli_length(json_integer_value(json_object_get(snipe, "duration_ms")));
                printf("  %-10s %s for %s: %s%s%s\n", "text", time, length, detail ? detail : "", detail ? ": " : "",
                       json_string_value(json_object_get(snipe, "headline")));
        }
}

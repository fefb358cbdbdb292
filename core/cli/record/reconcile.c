/* `retrovue reconcile`: whether what aired is what was planned. */
#include "core/record/reconcile/reconcile.h"

#include <stdio.h>
#include <string.h>

#include "core/cli/cli.h"
#include "proto/base/error.h"

static const char *text_of(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));
        return text ? text : "-";
}

static void print_text(const json_t *document) {
        const char *day = json_string_value(json_object_get(document, "day"));
        const json_t *divergence;
        size_t i;
        printf("%s, %s %s: %s (%d blocks, %d aired)\n", text_of(document, "channel"), day ? "day" : "session",
               day ? day : text_of(document, "session"), text_of(document, "summary"),
               (int)json_integer_value(json_object_get(document, "blocks")),
               (int)json_integer_value(json_object_get(document, "aired")));
        json_array_foreach(json_object_get(document, "divergences"), i, divergence) {
                if (g_str_equal(text_of(divergence, "class"), reconcile_class_name(RECONCILE_NOT_AIRED_BY_DESIGN)))
                        continue; /* the summary says how many; --json lists them */
                printf("  %-26s %-8s %s\n", text_of(divergence, "class"), text_of(divergence, "fault"),
                       text_of(divergence, "sentence"));
                printf("    block %s, session %s\n    expected %s\n    found    %s\n", text_of(divergence, "block_id"),
                       text_of(divergence, "session_id"), text_of(divergence, "expected"),
                       text_of(divergence, "found"));
        }
}

/* The channel's document; NULL when there is none, which is a message if the channel was asked for by name. */
static json_t *document_of(const CliLook *look, const ChannelSpec *spec, const CliOptions *options, bool *ret_failed) {
        g_autoptr(GError) error = NULL;
        char today[11];
        const int64_t now = rv_clock_utc_ms(rv_clock_system());
        schedule_day_of(spec, now, today);
        json_t *document = reconcile_ask(look->store, spec, options->session ? RECONCILE_SESSION : RECONCILE_DAY,
                                         options->session ? options->session
                                         : options->day   ? options->day
                                                          : today,
                                         now, &error);
        if (!document && (options->channel || !g_error_matches(error, RV_ERROR, RV_ERROR_NOT_FOUND))) {
                cli_fail("%s", error->message);
                *ret_failed = true;
        }
        return document;
}

static bool diverged(const json_t *document) {
        return !g_str_equal(text_of(document, "result"), "reconciled");
}

static int show(const CliLook *look, const CliOptions *options) {
        bool failed = false;
        unsigned n_found = 0;
        json_t *documents = json_array();
        const ChannelSpec *only = options->channel ? cli_look_channel(look, options->channel) : NULL;
        for (guint i = 0; i < look->specs->len && (only || !options->channel); i++) {
                const ChannelSpec *spec = look->specs->pdata[i];
                json_t *document = !only || spec == only ? document_of(look, spec, options, &failed) : NULL;
                if (!document)
                        continue;
                n_found++;
                failed |= diverged(document);
                if (!options->json)
                        print_text(document);
                json_array_append_new(documents, document);
        }
        if (options->json && n_found > 0)
                cli_print_json(json_incref(documents));
        json_decref(documents);
        if (n_found == 0 && !options->channel)
                return cli_fail("no channel has a transmission log for that");
        return failed || n_found == 0;
}

static int check(const CliOptions *options) {
        if (options->session && options->day)
                return cli_misuse("reconcile takes --day or --session, not both");
        if (options->day && !cli_is_day(options->day))
                return cli_misuse("\"%s\" is no day (2026-11-22)", options->day);
        return -1;
}

static const CliLookCommand command = {
        .set = CLI_WITH_JSON | CLI_WITH_DAY | CLI_WITH_SUBJECT,
        .usage = "- whether what aired is what was planned",
        .summary =
                "Compares the locked transmission log of a broadcast day, or of one session, with the as-run record, "
                "and lists each\ndivergence with its class, whose fault it was, what was expected and what was "
                "found. `retrovue serve` does so by\nitself when a session or a day ends. Exit status: 0 when all "
                "reconciled (recoveries and what nobody watched are\nno divergence that fails), 1 when something "
                "did not.",
        .check = check,
        .show = show,
};

static int run(int argc, char **argv) {
        return cli_look_run(&command, argc, argv);
}

const CliCommand cli_reconcile = {"reconcile", "whether what aired is what was planned", run};

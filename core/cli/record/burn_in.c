#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/burnin/burnin.h"
#include "core/cli/cli.h"

#define HOUR_MS INT64_C(3600000)
#define HOURS_MAX 200.0
#define KILLS_MAX 10000

typedef struct {
        double hours;
        int channels, kills;
        gboolean real_time, compressed;
        char *inject, *channels_dir, *work_dir, *report, *air, *web;
        char **media;
        gint64 seed;
        char **rest;
} Asked;

static void asked_clear(Asked *asked) {
        g_free(asked->inject);
        g_free(asked->channels_dir);
        g_free(asked->work_dir);
        g_free(asked->report);
        g_free(asked->air);
        g_free(asked->web);
        g_strfreev(asked->media);
        g_strfreev(asked->rest);
}

static int parse(Asked *asked, int argc, char **argv) {
        g_autoptr(GError) error = NULL;
        *asked = (Asked){.hours = 24, .seed = -1};
        const GOptionEntry entries[] = {
                {"hours", 0, 0, G_OPTION_ARG_DOUBLE, &asked->hours, "How long (24)", "N"},
                {"channels", 0, 0, G_OPTION_ARG_INT, &asked->channels, "How many of the channels, by number (all)",
                 "N"},
                {"real-time", 0, 0, G_OPTION_ARG_NONE, &asked->real_time, "As viewers will see it (the default)", NULL},
                {"compressed", 0, 0, G_OPTION_ARG_NONE, &asked->compressed, "As fast as the machine can", NULL},
                {"inject", 0, 0, G_OPTION_ARG_STRING, &asked->inject,
                 "late-feed,missing-file,dead-air,dead-core,corrupt-clip: faults to be found (none)", "FAULTS"},
                {"kills", 0, 0, G_OPTION_ARG_INT, &asked->kills,
                 "Kill engines and core, by turns, so often; lasts as long as that (0)", "N"},
                {"media", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &asked->media, "Folder of media files; may be repeated",
                 "DIR"},
                {"channels-dir", 0, 0, G_OPTION_ARG_FILENAME, &asked->channels_dir, "The channel files", "DIR"},
                {"report", 0, 0, G_OPTION_ARG_FILENAME, &asked->report, "Write FILE.txt and FILE.json as well", "FILE"},
                {"work", 0, 0, G_OPTION_ARG_FILENAME, &asked->work_dir, "An empty folder for it all, which stays",
                 "DIR"},
                {"seed", 0, 0, G_OPTION_ARG_INT64, &asked->seed, "Of what is injected where (any)", "N"},
                {"air", 0, 0, G_OPTION_ARG_FILENAME, &asked->air, "The playout engine", "PROGRAM"},
                {"web", 0, 0, G_OPTION_ARG_FILENAME, &asked->web, "The page's files", "DIR"},
                {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &asked->rest, NULL, NULL},
                {0},
        };
        g_set_prgname("retrovue burn-in");
        g_autoptr(GOptionContext) context = g_option_context_new("- prove machine and library before going on the air");
        g_option_context_set_summary(context, "Plays the channels on the real programs in a folder of its own, and "
                                              "compares plan, record and stream.\nExits with 0 when nothing was "
                                              "violated but by what was injected, and each of that was found.");
        g_option_context_add_main_entries(context, entries, NULL);
        g_option_context_set_help_enabled(context, FALSE);
        for (int i = 1; i < argc; i++)
                if (g_str_equal(argv[i], "--help") || g_str_equal(argv[i], "-h")) {
                        g_autofree char *help = g_option_context_get_help(context, TRUE, NULL);
                        fputs(help, stdout);
                        return 0;
                }
        if (!g_option_context_parse(context, &argc, &argv, &error))
                return cli_misuse("burn-in: %s", error->message);
        return -1;
}

static int check(const Asked *asked, int *ret_causes) {
        *ret_causes = burnin_causes_from_text(asked->inject ? asked->inject : "none");
        if (asked->rest)
                return cli_misuse("burn-in takes no argument \"%s\"", asked->rest[0]);
        if (!(asked->hours > 0 && asked->hours <= HOURS_MAX))
                return cli_misuse("--hours takes a number above 0, up to %d", (int)HOURS_MAX);
        if (asked->channels < 0)
                return cli_misuse("--channels takes a number from 1 on, not %d", asked->channels);
        if (asked->kills < 0 || asked->kills > KILLS_MAX)
                return cli_misuse("--kills takes a number up to %d, not %d", KILLS_MAX, asked->kills);
        if (asked->real_time && asked->compressed)
                return cli_misuse("burn-in is --real-time or --compressed, not both");
        if (*ret_causes < 0)
                return cli_misuse("--inject takes late-feed, missing-file, dead-air, dead-core and corrupt-clip, with "
                                  "commas between, or none; not \"%s\"",
                                  asked->inject);
        if (*ret_causes & BURNIN_LATE_FEED && !asked->compressed)
                return cli_misuse("--inject late-feed takes --compressed: time does not stand still otherwise");
        if (!asked->channels_dir || !asked->media)
                return cli_misuse("burn-in takes --media DIR and --channels-dir DIR: what is to be proved");
        return -1;
}

static bool write_report(const char *name, const char *text, const json_t *document, GError **error) {
        g_autofree char *stem = g_str_has_suffix(name, ".txt") || g_str_has_suffix(name, ".json")
                                        ? g_strndup(name, (gsize)(strrchr(name, '.') - name))
                                        : g_strdup(name);
        g_autofree char *txt = g_strconcat(stem, ".txt", NULL), *json = g_strconcat(stem, ".json", NULL);
        char *dump = json_dumps(document, JSON_INDENT(1));
        const bool done = g_file_set_contents(txt, text, -1, error) && g_file_set_contents(json, dump, -1, error);
        free(dump);
        return done;
}

static void on_progress(void *user, int64_t done_ms, unsigned violations) {
        if (isatty(STDERR_FILENO))
                fprintf(stderr, "\r%.2f h, %u violations ", (double)done_ms / HOUR_MS, violations);
}

static int tell(const Asked *asked, const BurninReport *report, const char *work_dir) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = burnin_report_text(report), *beside = g_build_filename(work_dir, "report", NULL);
        json_t *document = burnin_report_json(report);
        const bool written = write_report(beside, text, document, &error) &&
                             (!asked->report || write_report(asked->report, text, document, &error));
        json_decref(document);
        fputs(text, stdout);
        printf("\nall of it is in %s\n", work_dir);
        if (!written)
                return cli_fail("the report cannot be written: %s", error->message);
        return burnin_report_passed(report) ? 0 : 1;
}

static int burn_in(const Asked *asked, unsigned causes) {
        g_autoptr(GError) error = NULL;
        g_autofree char *made = asked->work_dir ? NULL : g_dir_make_tmp("retrovue-burn-in-XXXXXX", &error);
        g_autofree char *work = g_canonicalize_filename(asked->work_dir ? asked->work_dir : made ? made : "", NULL);
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
        if (error)
                return cli_fail("%s", error->message);
        const BurninOptions options = {
                .length_ms = (int64_t)(asked->hours * HOUR_MS),
                .channels = asked->channels,
                .compressed = asked->compressed,
                .inject = causes,
                .kills = asked->kills,
                .media_dirs = (const char *const *)asked->media,
                .channels_dir = asked->channels_dir,
                .work_dir = work,
                .core_program = self,
                .air_program = asked->air,
                .web_dir = asked->web,
                .seed = asked->seed >= 0 ? (guint32)asked->seed : g_random_int(),
                .on_progress = on_progress,
        };
        if (g_mkdir_with_parents(work, 0700) < 0 || g_rmdir(work) < 0 || g_mkdir(work, 0700) < 0)
                return cli_fail("%s is no empty folder", work);
        g_autoptr(BurninReport) report = burnin_run(&options, &error);
        if (!report)
                return cli_fail("the burn-in could not be run: %s (%s)", error->message, work);
        return tell(asked, report, work);
}

static int run(int argc, char **argv) {
        Asked asked;
        int causes = 0, status = parse(&asked, argc, argv);
        if (status < 0)
                status = check(&asked, &causes);
        if (status < 0)
                status = burn_in(&asked, (unsigned)causes);
        asked_clear(&asked);
        return status;
}

const CliCommand cli_burn_in = {"burn-in", "prove machine and library before going on the air", run};

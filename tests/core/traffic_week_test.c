/*
 * A week of each demo channel, as a viewer and as the one who is responsible for the breaks would look at it. The
 * library is that of deploy/demo/make-demo-media in names and lengths, the channels are those of deploy/demo/channels.
 */
#include "tests/core/plan_fixture.h"

#include "core/plan/traffic/traffic.h"
#include "tests/support/cmocka.h"

#define FIRST_DAY "2026-06-01" /* a Monday */
#define DAYS 7
#define DAYS_AHEAD 3 /* that are compiled beyond: what promos know */
#define DAY (24 * HOUR)

static const struct {
        const char *title;
        int year;
        const char *rating, *genre;
        int seconds;
} films[] = {
        {"Shadow Mask", 1971, "R", "Horror", 4910},
        {"House of Moire", 1973, "PG", "Horror", 5495},
        {"Dead Pixel", 1975, "R", "Horror", 4640},
        {"The Interlace Murders", 1976, "R", "Horror", 5230},
        {"Terror on the Back Porch", 1977, "PG", "Horror", 4350},
        {"The Ghosting", 1979, "R", "Horror", 5590},
        {"Phosphor", 1980, "R", "Horror", 4945},
        {"Vertical Hold", 1981, "R", "Horror", 4700},
        {"The Overscan", 1982, "R", "Horror", 5190},
        {"Children of the Carrier Wave", 1983, "R", "Horror", 5480},
        {"Static Cling", 1984, "PG-13", "Horror", 4340},
        {"The Aliasing", 1985, "R", "Horror", 5000},
        {"Bride of Bars and Tone", 1986, "PG", "Horror", 4590},
        {"Snow on Channel Nine", 1987, "R", "Horror", 5840},
        {"The Thing in the Waveguide", 1988, "PG-13", "Horror", 4935},
        {"Burn-In", 1989, "R", "Horror", 5240},
        {"It Came from the Flyback", 1990, "PG-13", "Horror", 4300},
        {"Macroblock", 1992, "R", "Horror", 5540},
        {"The Last Keyframe", 1994, "PG-13", "Horror", 5170},
        {"Dropout", 1995, "R", "Horror", 4645},
        {"Tape Hiss", 1996, "R", "Horror", 5250},
        {"Dial Tone", 1997, "PG", "Horror", 4880},
        {"Buffer Underrun", 1998, "R", "Horror", 4570},
        {"Midnight Raster", 1999, "R", "Horror", 5770},
        {"The Maltese Phasor", 1941, "PG", "Drama", 5250},
        {"Roman Hertz", 1953, "G", "Comedy", 5540},
        {"Some Like It Subsampled", 1959, "PG", "Comedy", 5860},
        {"The Vectorscope Affair", 1962, "PG", "Drama", 6050},
        {"The Good the Bad and the Bitrate", 1966, "PG", "Western", 6150},
        {"2001 Lines", 1968, "G", "Science Fiction", 6440},
        {"A Room with a Waveform", 1986, "PG", "Drama", 5830},
        {"Three Lines and a Blanking Interval", 1987, "PG", "Comedy", 5500},
        {"Night of the Fractal", 1978, "R", "Horror", 480},
        {"The Gradient", 1984, "PG", "Horror", 560},
        {"Curse of Sierpinski", 1991, "R", "Horror", 630},
};

static const struct {
        AssetKind kind;
        const char *title;
        int seconds;
} spots[] = {
        {ASSET_BUMPER, "Back in a moment", 8},
        {ASSET_BUMPER, "And now", 6},
        {ASSET_BUMPER, "Stay with us", 7},
        {ASSET_BUMPER, "More in a minute", 5},
        {ASSET_BUMPER, "Stand by", 5},
        {ASSET_BUMPER, "One moment", 5},
        {ASSET_BUMPER, "Here it comes", 5},
        {ASSET_BUMPER, "Do not go away", 6},
        {ASSET_BUMPER, "We will be right back", 5},
        {ASSET_STATION_ID, "You are watching RetroVue", 10},
        {ASSET_STATION_ID, "RetroVue by night", 8},
        {ASSET_STATION_ID, "This is RetroVue", 6},
        {ASSET_STATION_ID, "RetroVue always on", 5},
        {ASSET_FILLER, "Programmes continue shortly", 45},
        {ASSET_FILLER, "Interlude", 30},
        {ASSET_PROMO, "Tonight Signal House", 20},
        {ASSET_PROMO, "Sundays Rule 110", 20},
        {ASSET_PROMO, "Signal House four engineers", 12},
        {ASSET_PROMO, "Tonight Rule 110", 12},
        {ASSET_PROMO, "Rule 110 nobody knows how it ends", 12},
        {ASSET_PROMO, "Tonight Cell Block Nine", 12},
        {ASSET_PROMO, "Cell Block Nine by the rules", 12},
        {ASSET_PROMO, "Coming up Dead Pixel", 15},
        {ASSET_PROMO, "Coming up The Ghosting", 15},
        {ASSET_PROMO, "Coming up Phosphor", 15},
        {ASSET_PROMO, "Coming up The Overscan", 15},
        {ASSET_PROMO, "Coming up Snow on Channel Nine", 15},
        {ASSET_PROMO, "Coming up Burn-In", 15},
        {ASSET_PROMO, "Coming up Macroblock", 15},
        {ASSET_PROMO, "Coming up Tape Hiss", 15},
        {ASSET_PROMO, "Coming up Midnight Raster", 15},
        {ASSET_PROMO, "Coming up House of Moire", 15},
        {ASSET_PROMO, "Coming up Roman Hertz", 12},
        {ASSET_PROMO, "Coming up The Vectorscope Affair", 12},
        {ASSET_PROMO, "Coming up 2001 Lines", 12},
        {ASSET_PROMO, "Coming up The Maltese Phasor", 12},
        {ASSET_PROMO, "Coming up Some Like It Subsampled", 12},
        {ASSET_PROMO, "Pictures that stay with you", 10},
        {ASSET_PROMO, "Day and night RetroVue", 10},
        {ASSET_PROMO, "Line by line RetroVue", 10},
        {ASSET_COMMERCIAL, "Pixel Soap washes square", 30},
        {ASSET_COMMERCIAL, "Hum Cola fifty hertz of taste", 30},
        {ASSET_COMMERCIAL, "Noise Insurance", 15},
        {ASSET_COMMERCIAL, "Vacuum Tube Depot", 15},
        {ASSET_COMMERCIAL, "Grand Scanline Hotel", 20},
        {ASSET_COMMERCIAL, "Pixel Soap now with corners", 10},
        {ASSET_COMMERCIAL, "Hum Cola sixty hertz", 10},
        {ASSET_COMMERCIAL, "Resistor Records", 10},
        {ASSET_COMMERCIAL, "Antenna and Sons", 10},
        {ASSET_COMMERCIAL, "The Test Card Cafe", 10},
        {ASSET_COMMERCIAL, "Noise Insurance any colour", 10},
        {ASSET_COMMERCIAL, "Ribbon Cable Shoes", 10},
        {ASSET_COMMERCIAL, "Solder Brothers", 15},
        {ASSET_COMMERCIAL, "Coax Airlines", 15},
        {ASSET_COMMERCIAL, "Half Wave Dental", 15},
};

typedef struct {
        Fixture fixture;
        CatalogSnapshot *catalog;
        ChannelSpec *spec;
        GPtrArray *days;       /* ScheduleDay */
        GPtrArray *programmes; /* Programme of all days, borrowed */
        guint n_shown;         /* of programmes: those of the week */
        GArray *breaks;        /* Break, in order of time */
} Week;

typedef struct {
        guint programme;
        int64_t start_utc_ms, end_utc_ms;
        GPtrArray *spots; /* const Asset */
        GArray *starts;   /* int64_t, of spots */
        int64_t pad_ms, longest_pad_ms, filler_ms;
} Break;

static void break_clear(gpointer pointer) {
        Break *hole = pointer;
        g_ptr_array_unref(hole->spots);
        g_array_unref(hole->starts);
}

/* --- the library ----------------------------------------------------------------------------------------------------
 */

static void put_strv(char ***strv, const char *text) {
        g_strfreev(*strv);
        *strv = g_strsplit(text, " / ", -1);
}

static void add_show(Fixture *fixture, const char *series, int base_s, int step_s, int range_s) {
        for (int i = 1; i <= 20; i++) {
                Asset *asset =
                        fixture_episode(fixture, series, 1, i, (base_s + step_s * i % range_s) * INT64_C(1000) + 40);
                if (strcmp(series, "Rule 110") == 0) {
                        asset->n_chapters = 2;
                        asset->chapter_ms = g_new0(int64_t, 2);
                        asset->chapter_ms[0] = 90000;
                        asset->chapter_ms[1] = 170000;
                }
        }
}

static void add_film(Fixture *fixture, size_t i) {
        Asset *asset = fixture_asset(fixture, ASSET_MOVIE, films[i].title, films[i].seconds * INT64_C(1000));
        asset->year = films[i].year;
        asset->rating = g_strdup(films[i].rating);
        put_strv(&asset->genres, films[i].genre);
        asset->n_chapters = films[i].seconds > 3600 ? 6 : 0;
        asset->chapter_ms = g_new0(int64_t, 6);
        for (int j = 1; j < 7; j++)
                asset->chapter_ms[j - 1] = (films[i].seconds * j / 7 + j % 3 * 20) * INT64_C(1000);
}

static void add_library(Fixture *fixture) {
        add_show(fixture, "Signal House", 240, 7, 45);
        add_show(fixture, "Cell Block Nine", 220, 7, 60);
        add_show(fixture, "Rule 110", 250, 3, 42);
        for (size_t i = 0; i < G_N_ELEMENTS(films); i++)
                add_film(fixture, i);
        for (size_t i = 0; i < G_N_ELEMENTS(spots); i++) {
                Asset *asset = fixture_asset(fixture, spots[i].kind, spots[i].title, spots[i].seconds * INT64_C(1000));
                g_autofree char *name = g_strconcat(spots[i].title, ".mp4", NULL);
                g_free(asset->uri);
                asset->uri = g_build_filename(fixture->dir, name, NULL);
                if (spots[i].kind == ASSET_STATION_ID)
                        put_strv(&asset->tags, "station_ids");
        }
}

/* --- the week -------------------------------------------------------------------------------------------------------
 */

static void compile_days(Week *week) {
        char day[11] = FIRST_DAY;
        const ScheduleDay *before = NULL;
        for (int i = 0; i < DAYS + DAYS_AHEAD; i++) {
                g_autoptr(Diag) diag = diag_new();
                const ScheduleFrom from = {.carry_in_utc_ms = before ? before->end_utc_ms : 0,
                                           .state = before ? before->state_after : NULL};
                ScheduleDay *made = schedule_compile(week->spec, week->catalog, day, &from, diag);
                assert_non_null(made);
                assert_int_equal(diag_count(diag), 0);
                g_ptr_array_add(week->days, made);
                for (guint j = 0; j < made->programmes->len; j++)
                        g_ptr_array_add(week->programmes, made->programmes->pdata[j]);
                if (i < DAYS)
                        week->n_shown = week->programmes->len;
                before = made;
                schedule_day_step(day, 1, day);
        }
}

/* The breaks of a programme's items. */
static void read_breaks(Week *week, guint programme, const GArray *items, int64_t at) {
        Break *hole = NULL;
        for (guint i = 0; i < items->len; i++) {
                const TrafficItem *item = &g_array_index(items, TrafficItem, i);
                if (item->content) {
                        hole = NULL;
                } else {
                        if (!hole) {
                                const Break made = {.programme = programme,
                                                    .start_utc_ms = at,
                                                    .spots = g_ptr_array_new(),
                                                    .starts = g_array_new(false, false, sizeof(int64_t))};
                                g_array_append_val(week->breaks, made);
                                hole = &g_array_index(week->breaks, Break, week->breaks->len - 1);
                        }
                        hole->end_utc_ms = at + item->duration_ms;
                        if (!item->asset) {
                                hole->pad_ms += item->duration_ms;
                                hole->longest_pad_ms = MAX(hole->longest_pad_ms, item->duration_ms);
                        } else if (item->asset->kind == ASSET_FILLER) {
                                hole->filler_ms += item->duration_ms;
                        } else {
                                g_ptr_array_add(hole->spots, (gpointer)item->asset);
                                g_array_append_val(hole->starts, at);
                        }
                }
                at += item->duration_ms;
        }
}

static void fill_week(Week *week) {
        g_autoptr(TrafficInventory) inventory = traffic_inventory_new(week->spec, week->catalog, NULL);
        g_autoptr(TrafficHistory) history = traffic_history_new();
        g_autoptr(TrafficComing) coming = traffic_coming_new();
        for (guint i = 0; i < week->programmes->len; i++)
                traffic_coming_add(coming, week->programmes->pdata[i], week->catalog);
        for (guint i = 0; i < week->n_shown; i++) {
                const Programme *programme = week->programmes->pdata[i];
                g_autoptr(GError) error = NULL;
                g_autoptr(GArray) items = traffic_fill(inventory, history, coming, programme, NULL, &error);
                assert_null(error);
                read_breaks(week, i, items, programme->start_utc_ms);
        }
}

static void week_begin(Week *week, const char *channel) {
        g_autofree char *path = g_strdup_printf("%s/deploy/demo/channels/%s.yaml", RV_SOURCE_DIR, channel);
        g_autofree char *root = g_path_get_dirname(path);
        g_autoptr(Diag) diag = diag_new();
        fixture_begin(&week->fixture);
        add_library(&week->fixture);
        week->catalog = fixture_catalog(&week->fixture);
        week->spec = channel_spec_load(path, root, week->catalog, diag);
        if (diag_count(diag) > 0) {
                g_autofree char *faults = diag_text(diag);
                print_error("%s", faults);
        }
        assert_non_null(week->spec);
        assert_int_equal(diag_count(diag), 0);
        week->days = g_ptr_array_new_with_free_func((GDestroyNotify)schedule_day_free);
        week->programmes = g_ptr_array_new();
        week->breaks = g_array_new(false, true, sizeof(Break));
        g_array_set_clear_func(week->breaks, break_clear);
        compile_days(week);
        fill_week(week);
}

static void week_end(Week *week) {
        g_array_unref(week->breaks);
        g_ptr_array_unref(week->programmes);
        g_ptr_array_unref(week->days);
        channel_spec_unref(week->spec);
        catalog_snapshot_unref(week->catalog);
        fixture_end(&week->fixture);
}

static const Programme *programme_at(const Week *week, guint i) {
        return week->programmes->pdata[i];
}

static const Break *break_at(const Week *week, guint i) {
        return &g_array_index(week->breaks, Break, i);
}

/* --- what is looked for ---------------------------------------------------------------------------------------------
 */

/* Nothing comes twice within as long as that. */
static void assert_apart(const Week *week, AssetKind kind, int64_t apart_ms) {
        for (guint i = 0; i < week->n_shown; i++) {
                const Programme *programme = programme_at(week, i);
                if (programme->kind != kind)
                        continue;
                for (guint j = i + 1; j < week->n_shown; j++) {
                        const Programme *later = programme_at(week, j);
                        if (later->start_utc_ms - programme->start_utc_ms >= apart_ms)
                                break;
                        if (g_strcmp0(later->asset_id, programme->asset_id) == 0)
                                fail_msg("%s: %s %s again after %d minutes", week->spec->id, programme->title,
                                         programme->subtitle ? programme->subtitle : "",
                                         (int)((later->start_utc_ms - programme->start_utc_ms) / MINUTE));
                }
        }
}

static int local_hour(const Week *week, int64_t utc_ms) {
        g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, week->spec->zone);
        return g_date_time_get_hour(local);
}

/* No film is on at the same hour on most days. */
static void assert_hours_vary(const Week *week, int at_most) {
        for (guint i = 0; i < week->n_shown; i++) {
                const Programme *film = programme_at(week, i);
                int same = 0;
                for (guint j = 0; film->kind == ASSET_MOVIE && film->content_ms > HOUR && j < week->n_shown; j++)
                        same += g_strcmp0(programme_at(week, j)->asset_id, film->asset_id) == 0 &&
                                local_hour(week, programme_at(week, j)->start_utc_ms) ==
                                        local_hour(week, film->start_utc_ms);
                assert_true(same <= at_most);
        }
}

/* What the night draws does not come round in the order in which it came before. */
static void assert_no_fixed_order(const Week *week) {
        guint n_pairs = 0, n_again = 0;
        for (guint i = 0; i + 1 < week->n_shown; i++) {
                const Programme *programme = programme_at(week, i), *next = programme_at(week, i + 1);
                if (local_hour(week, programme->start_utc_ms) >= 6 || programme->kind != ASSET_EPISODE)
                        continue;
                n_pairs++;
                for (guint j = i + 1; j + 1 < week->n_shown && j < i + 40; j++)
                        n_again += g_strcmp0(programme_at(week, j)->asset_id, programme->asset_id) == 0 &&
                                   g_strcmp0(programme_at(week, j + 1)->asset_id, next->asset_id) == 0;
        }
        assert_true(n_pairs > 100);
        assert_true(n_again * 5 < n_pairs);
}

static void assert_no_filler_programme(const Week *week) {
        for (guint i = 0; i < week->n_shown; i++)
                assert_non_null(programme_at(week, i)->asset_id);
}

/* No spot twice in a break, nor in the break before, unless that was long ago. */
static void assert_no_repeats(const Week *week) {
        for (guint i = 0; i < week->breaks->len; i++) {
                const Break *hole = break_at(week, i), *before = i > 0 ? break_at(week, i - 1) : NULL;
                for (guint j = 0; j < hole->spots->len; j++) {
                        const Asset *spot = hole->spots->pdata[j];
                        guint again = 0;
                        if (before && hole->start_utc_ms - before->start_utc_ms < HOUR / 2 &&
                            g_ptr_array_find(before->spots, spot, &again))
                                fail_msg("%s: \"%s\" in two breaks running", week->spec->id, spot->title);
                        for (guint k = 0; k < j; k++)
                                assert_ptr_not_equal(hole->spots->pdata[k], spot);
                }
        }
}

static AssetKind kind_of(const Break *hole, guint spot) {
        return ((const Asset *)hole->spots->pdata[spot])->kind;
}

/* Bumpers open breaks; bumpers or station ids close them; filler and black are rare. */
static void assert_structure(const Week *week) {
        int64_t all_ms = 0, filler_ms = 0, pad_ms = 0;
        for (guint i = 0; i < week->breaks->len; i++) {
                const Break *hole = break_at(week, i);
                const int64_t length_ms = hole->end_utc_ms - hole->start_utc_ms;
                all_ms += length_ms;
                filler_ms += hole->filler_ms;
                pad_ms += hole->pad_ms;
                assert_true(hole->longest_pad_ms <= 15000);
                if (hole->spots->len > 1 && length_ms >= 24000)
                        assert_int_equal(kind_of(hole, 0), ASSET_BUMPER);
                if (hole->spots->len > 2)
                        assert_true(kind_of(hole, hole->spots->len - 1) == ASSET_BUMPER ||
                                    kind_of(hole, hole->spots->len - 1) == ASSET_STATION_ID);
                if (length_ms >= 20000 && hole->spots->len == 0)
                        fail_msg("%s: a break of %d s without a spot", week->spec->id, (int)(length_ms / 1000));
        }
        print_message("%s: %u programmes, %u breaks, %d s in all, %d s filler, %d s black\n", week->spec->id,
                      week->n_shown, week->breaks->len, (int)(all_ms / 1000), (int)(filler_ms / 1000),
                      (int)(pad_ms / 1000));
        assert_true(pad_ms * 5 <= all_ms);
        assert_true(filler_ms * 20 <= all_ms);
}

static const char *title_in(const char *promo) {
        static const char *const series[] = {"Signal House", "Cell Block Nine", "Rule 110"};
        for (size_t i = 0; i < G_N_ELEMENTS(series); i++)
                if (strstr(promo, series[i]))
                        return series[i];
        for (size_t i = 0; i < G_N_ELEMENTS(films); i++)
                if (strstr(promo, films[i].title))
                        return films[i].title;
        return NULL;
}

static bool is_of(const Programme *programme, const char *title) {
        return g_strcmp0(programme->series, title) == 0 ||
               (!programme->series && g_strcmp0(programme->title, title) == 0);
}

/* What the promo is of is on within two days, and neither now nor next; "Tonight" is tonight, "Sundays" a Sunday. */
static void assert_promo_true(const Week *week, const Break *hole, const char *promo, const char *title) {
        const Programme *now = programme_at(week, hole->programme);
        char today[11], day[11];
        bool found = false;
        schedule_day_of(week->spec, now->start_utc_ms, today);
        assert_false(is_of(now, title));
        assert_false(is_of(programme_at(week, hole->programme + 1), title));
        for (guint i = hole->programme + 2; i < week->programmes->len && !found; i++) {
                const Programme *later = programme_at(week, i);
                if (!is_of(later, title) || later->start_utc_ms > now->start_utc_ms + 2 * DAY)
                        continue;
                const int hour = local_hour(week, later->start_utc_ms);
                schedule_day_of(week->spec, later->start_utc_ms, day);
                found = true;
                if (strstr(promo, "Tonight"))
                        found = strcmp(day, today) == 0 && (hour >= 17 || hour < 6);
                if (strstr(promo, "Sundays"))
                        found = strcmp(day, "2026-06-07") == 0;
        }
        if (!found)
                fail_msg("%s: \"%s\" and it does not come", week->spec->id, promo);
}

/* The number of promos of something that were shown. */
static unsigned assert_promos_true(const Week *week) {
        unsigned n = 0;
        for (guint i = 0; i < week->breaks->len; i++) {
                const Break *hole = break_at(week, i);
                for (guint j = 0; j < hole->spots->len; j++) {
                        const Asset *spot = hole->spots->pdata[j];
                        const char *title = spot->kind == ASSET_PROMO ? title_in(spot->title) : NULL;
                        if (!title)
                                continue;
                        assert_promo_true(week, hole, spot->title, title);
                        n++;
                }
        }
        return n;
}

static const char *advertiser_of(const Asset *spot) {
        static const char *const names[] = {"Pixel Soap", "Hum Cola", "Noise Insurance"};
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (g_str_has_prefix(spot->title, names[i]))
                        return names[i];
        return spot->title;
}

static void assert_rivals_apart(const Week *week) {
        g_autoptr(GHashTable) last = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        for (guint i = 0; i < week->breaks->len; i++) {
                const Break *hole = break_at(week, i);
                for (guint j = 0; j < hole->spots->len; j++) {
                        const Asset *spot = hole->spots->pdata[j];
                        const int64_t start = g_array_index(hole->starts, int64_t, j);
                        if (spot->kind != ASSET_COMMERCIAL)
                                continue;
                        const int64_t *before = g_hash_table_lookup(last, advertiser_of(spot));
                        assert_true(!before || start - *before >= 10 * MINUTE);
                        int64_t *now = g_new(int64_t, 1);
                        *now = start;
                        g_hash_table_insert(last, (gpointer)advertiser_of(spot), now);
                }
        }
}

/* The station says who it is, not all the time. */
static void assert_station_ids(const Week *week, int64_t longest_ms) {
        int64_t last = programme_at(week, 0)->start_utc_ms;
        for (guint i = 0; i < week->breaks->len; i++) {
                const Break *hole = break_at(week, i);
                for (guint j = 0; j < hole->spots->len; j++) {
                        const int64_t start = g_array_index(hole->starts, int64_t, j);
                        if (((const Asset *)hole->spots->pdata[j])->kind != ASSET_STATION_ID)
                                continue;
                        assert_true(start - last >= 25 * MINUTE || last == programme_at(week, 0)->start_utc_ms);
                        if (start - last > longest_ms)
                                fail_msg("%s: no station id for %d minutes", week->spec->id,
                                         (int)((start - last) / MINUTE));
                        last = start;
                }
        }
}

static void assert_believable(const Week *week) {
        assert_apart(week, ASSET_EPISODE, HOUR / 2);
        assert_no_filler_programme(week);
        assert_no_repeats(week);
        assert_structure(week);
        assert_rivals_apart(week);
}

/* --- the channels ---------------------------------------------------------------------------------------------------
 */

static void INV_TRAFFIC_PROMO_001_a_week_of_signal_house(void **state) {
        Week week = {0};
        week_begin(&week, "signal-house");
        assert_believable(&week);
        assert_station_ids(&week, HOUR);
        assert_int_equal(assert_promos_true(&week), 0); /* it is always on */
        week_end(&week);
}

static void INV_TRAFFIC_PROMO_001_a_week_of_rotation(void **state) {
        Week week = {0};
        week_begin(&week, "rotation");
        assert_believable(&week);
        assert_station_ids(&week, HOUR);
        assert_true(assert_promos_true(&week) > 100);
        week_end(&week);
}

static void INV_TRAFFIC_PROMO_001_a_week_of_prime(void **state) {
        Week week = {0};
        week_begin(&week, "prime");
        assert_believable(&week);
        assert_station_ids(&week, 2 * HOUR);
        assert_apart(&week, ASSET_MOVIE, 6 * DAY);
        assert_no_fixed_order(&week);
        assert_true(assert_promos_true(&week) > 100);
        week_end(&week);
}

static void INV_TRAFFIC_NO_REPEAT_001_a_week_of_midnight_matinee(void **state) {
        Week week = {0};
        week_begin(&week, "midnight-matinee");
        assert_believable(&week);
        assert_station_ids(&week, 3 * HOUR);
        assert_apart(&week, ASSET_MOVIE, DAY);
        assert_hours_vary(&week, 3);
        assert_true(assert_promos_true(&week) > 20);
        week_end(&week);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_TRAFFIC_PROMO_001_a_week_of_signal_house),
                cmocka_unit_test(INV_TRAFFIC_PROMO_001_a_week_of_rotation),
                cmocka_unit_test(INV_TRAFFIC_PROMO_001_a_week_of_prime),
                cmocka_unit_test(INV_TRAFFIC_NO_REPEAT_001_a_week_of_midnight_matinee),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

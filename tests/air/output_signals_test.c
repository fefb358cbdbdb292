/* What the stream says of itself, read back by a reader of the test's own (ISO/IEC 13818-1, EN 300 468, SCTE 35). */
#include <string.h>

#include "air/output/signals/signals.h"
#include "air/output/signals/tables.h"
#include "proto/ts/ts_reader.h"
#include "tests/support/cmocka.h"

#define EPOCH_UTC_MS INT64_C(1792845296123) /* 2026-10-24 12:34:56.123 */
#define SPLICE_PID 67

/* A section as it was found. */
typedef struct {
        int64_t tick; /* behind its picture */
        int pid;
        uint8_t bytes[1024];
        size_t size;
} Found;

typedef struct {
        HouseFormat format;
        HouseStyle *style;
        Signals *signals;
        GArray *found;
        int counters[8192];
        uint8_t open[1100]; /* payload of the section that is being read */
        size_t n_open, n_packets;
        int64_t next_tick;
} Rig;

static Rig *rig_new(RvRational rate, const char *name, int splice_pid) {
        Rig *rig = g_new0(Rig, 1);
        rig->format = house_format_default();
        rig->format.rate = rate;
        rig->style = house_style_new();
        g_free(rig->style->channel_name);
        rig->style->channel_name = g_strdup(name);
        rig->style->service_id = 40001;
        rig->signals = signals_new(&rig->format, rig->style, EPOCH_UTC_MS, splice_pid);
        rig->found = g_array_new(FALSE, FALSE, sizeof(Found));
        memset(rig->counters, 0xff, sizeof rig->counters);
        return rig;
}

static void rig_free(Rig *rig) {
        signals_free(rig->signals);
        house_style_unref(rig->style);
        g_array_unref(rig->found);
        g_free(rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rig, rig_free)

/* --- reading ------------------------------------------------------------------------------------------------------ */

static uint64_t number_at(const uint8_t *p, unsigned n_bytes) {
        uint64_t n = 0;
        for (unsigned i = 0; i < n_bytes; i++)
                n = n << 8 | p[i];
        return n;
}

/* Table-driven, unlike the writer's. */
static uint32_t crc_of(const uint8_t *data, size_t size) {
        uint32_t table[256], crc = ~UINT32_C(0);
        for (uint32_t i = 0; i < 256; i++) {
                table[i] = i << 24;
                for (int bit = 0; bit < 8; bit++)
                        table[i] = (table[i] << 1) ^ ((table[i] >> 31) * UINT32_C(0x04c11db7));
        }
        for (size_t i = 0; i < size; i++)
                crc = (crc << 8) ^ table[(crc >> 24) ^ data[i]];
        return crc;
}

static void take_section(Rig *rig, int pid) {
        Found found = {.tick = rig->next_tick, .pid = pid};
        if (rig->n_open < 3)
                return;
        found.size = 3 + (number_at(rig->open + 1, 2) & 0xfff);
        if (rig->n_open < found.size)
                return;
        memcpy(found.bytes, rig->open, found.size);
        for (size_t i = found.size; i < rig->n_open; i++)
                assert_int_equal(rig->open[i], 0xff); /* stuffing */
        if (pid != TABLES_TDT_PID)
                assert_int_equal(crc_of(found.bytes, found.size), 0);
        g_array_append_val(rig->found, found);
        rig->n_open = 0;
}

static void take_packet(Rig *rig, const uint8_t *packet) {
        assert_int_equal(packet[0], 0x47);
        assert_int_equal(packet[3] & 0xf0, 0x10); /* payload and nothing else, in the clear */
        const int pid = (int)number_at(packet + 1, 2) & 0x1fff;
        if (rig->counters[pid] >= 0)
                assert_int_equal(packet[3] & 15, (rig->counters[pid] + 1) % 16);
        rig->counters[pid] = packet[3] & 15;
        const bool starts = packet[1] & 0x40;
        assert_int_equal(starts, rig->n_open == 0);
        if (starts)
                assert_int_equal(packet[4], 0);
        const size_t n = starts ? 183 : 184;
        memcpy(rig->open + rig->n_open, packet + 188 - n, n);
        rig->n_open += n;
        rig->n_packets++;
        take_section(rig, pid);
}

static void run(Rig *rig, int64_t until_tick) {
        for (; rig->next_tick < until_tick; rig->next_tick++) {
                size_t size = 0;
                g_autofree uint8_t *packets = signals_behind(rig->signals, rig->next_tick, &size);
                assert_int_equal(size % 188, 0);
                for (size_t at = 0; at < size; at += 188)
                        take_packet(rig, packets + at);
                assert_int_equal(rig->n_open, 0); /* whole sections */
        }
}

/* The i-th section of a table, or NULL. section_number -1: any. */
static const Found *section_of(const Rig *rig, int table_id, int section_number, guint i) {
        for (guint at = 0; at < rig->found->len; at++) {
                const Found *found = &g_array_index(rig->found, Found, at);
                if (found->bytes[0] == table_id && (section_number < 0 || found->bytes[6] == section_number) &&
                    i-- == 0)
                        return found;
        }
        return NULL;
}

static int64_t longest_gap(const Rig *rig, int table_id, int section_number) {
        int64_t gap = 0, last = 0;
        const Found *found;
        for (guint i = 0; (found = section_of(rig, table_id, section_number, i)); i++) {
                gap = MAX(gap, found->tick - last);
                last = found->tick;
        }
        return MAX(gap, rig->next_tick - last);
}

/* --- announcing --------------------------------------------------------------------------------------------------- */

static OutputProgramme programme(const Rig *rig, uint32_t id, const char *title, int64_t start, int64_t end) {
        return (OutputProgramme){
                .title = title,
                .id = id,
                .start_tick = start,
                .end_tick = end,
                .start_utc_ms = EPOCH_UTC_MS + rv_tick_to_ms(start, rig->format.rate),
                .end_utc_ms = EPOCH_UTC_MS + rv_tick_to_ms(end, rig->format.rate),
        };
}

static void announce(Rig *rig, const OutputProgramme *programmes, size_t n_programmes, const OutputBreak *breaks,
                     size_t n_breaks) {
        const OutputOutlook outlook = {programmes, n_programmes, breaks, n_breaks};
        signals_announce(rig->signals, &outlook);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void INV_SIGNALS_001_each_table_is_repeated_within_two_seconds(void **state) {
        const RvRational rates[] = {{24000, 1001}, {25, 1}, {30000, 1001}, {60, 1}, {10, 1}};
        for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
                g_autoptr(Rig) rig = rig_new(rates[i], "Tavern", 0);
                run(rig, 1000);
                const int64_t limit = rv_tick_at_ms(2000, rates[i]);
                assert_true(longest_gap(rig, 0x42, 0) <= limit);
                assert_true(longest_gap(rig, 0x4e, 0) <= limit);
                assert_true(longest_gap(rig, 0x4e, 1) <= limit);
                assert_true(longest_gap(rig, 0x70, -1) <= limit);
                assert_int_equal(section_of(rig, 0x42, 0, 0)->tick, 0);
        }
}

static void INV_SIGNALS_001_the_service_has_one_number_and_its_name(void **state) {
        g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, "Tavern", 0);
        run(rig, 1);
        static const uint8_t wanted[] = {
                0x42, 0xf0, 0x24, 0x00, 0x01, 0xc1, 0x00, 0x00, 0xff, 0x01, 0xff, /* stream 1 of network 0xff01 */
                0x9c, 0x41, 0xfd, 0x80, 0x13, 0x48, 0x11, 0x19,                   /* 40001: running, HD of H.264 */
                8,    'R',  'e',  't',  'r',  'o',  'V',  'u',  'e',  6,    'T',  'a', 'v', 'e', 'r', 'n',
        };
        const Found *sdt = section_of(rig, 0x42, 0, 0), *eit = section_of(rig, 0x4e, 0, 0);
        assert_int_equal(sdt->size, sizeof wanted + 4);
        assert_memory_equal(sdt->bytes, wanted, sizeof wanted);
        assert_int_equal(number_at(eit->bytes + 3, 2), 40001);
        assert_int_equal(number_at(eit->bytes + 8, 4), 0x0001ff01);
}

static const char *title_of(const Found *eit, char *ret_title, size_t room) {
        const size_t length = eit->bytes[31];
        assert_int_equal(eit->bytes[26], 0x4d);
        assert_true(length < room && 32 + length + 1 + 4 == eit->size);
        memcpy(ret_title, eit->bytes + 32, length);
        ret_title[length] = 0;
        return ret_title;
}

static void assert_eit(const Rig *rig, guint i, int place, unsigned version, const char *title) {
        char text[256];
        const Found *eit = section_of(rig, 0x4e, place, i);
        assert_non_null(eit);
        assert_int_equal(eit->bytes[5], 0xc1 | version << 1);
        if (!title) {
                assert_int_equal(eit->size, 14 + 4); /* nothing is known */
                return;
        }
        assert_string_equal(title_of(eit, text, sizeof text), title);
        assert_int_equal(eit->bytes[24] >> 5, place == 0 ? 4 : 1);
}

static void INV_SIGNALS_002_what_is_on_and_what_is_next_change_with_the_picture(void **state) {
        g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, "Tavern", 0);
        const OutputProgramme known[] = {programme(rig, 1, "One", 0, 40), programme(rig, 2, "Two", 40, 70)};
        announce(rig, known, 2, NULL, 0);
        run(rig, 80);
        const struct {
                int64_t tick;
                const char *present, *following;
        } wanted[] = {{0, "One", "Two"}, {25, "One", "Two"}, {40, "Two", NULL},
                      {50, "Two", NULL}, {70, NULL, NULL},   {75, NULL, NULL}};
        static const unsigned versions[] = {1, 1, 2, 2, 3, 3};
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
                assert_int_equal(section_of(rig, 0x4e, 0, i)->tick, wanted[i].tick);
                assert_eit(rig, i, 0, versions[i], wanted[i].present);
                assert_eit(rig, i, 1, versions[i], wanted[i].following);
        }
        assert_null(section_of(rig, 0x4e, 0, G_N_ELEMENTS(wanted)));
}

static void INV_SIGNALS_002_an_event_keeps_number_and_times_from_next_to_now(void **state) {
        g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, "Tavern", 0);
        const OutputProgramme known[] = {programme(rig, 1, "One", 0, 40), programme(rig, 2, "Two", 40, 25 * 3723)};
        announce(rig, known, 2, NULL, 0);
        run(rig, 41);
        const Found *next = section_of(rig, 0x4e, 1, 0), *now = section_of(rig, 0x4e, 0, 2);
        assert_memory_equal(next->bytes + 14, now->bytes + 14, 10);
        /* 12:34:57.723 to 13:36:59.123: MJD 61337; as whole seconds 1:02:02. */
        static const uint8_t times[] = {0xef, 0x99, 0x12, 0x34, 0x57, 0x01, 0x02, 0x02};
        assert_memory_equal(now->bytes + 16, times, sizeof times);
}

static void INV_SIGNALS_002_versions_go_round(void **state) {
        g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, "Tavern", 0);
        for (uint32_t i = 0; i < 40; i++) {
                const OutputProgramme one = programme(rig, i, "Again", 0, 1000);
                announce(rig, &one, 1, NULL, 0);
                run(rig, i + 1);
                assert_eit(rig, i, 0, (i + 1) % 32, "Again");
        }
}

static void titles_are_coded_for_receivers(void **state) {
        g_autofree char *wide = g_strnfill(300, 'x');
        g_autofree char *broad = g_strconcat("\xc3\xa9", wide, NULL);
        g_autoptr(GString) many = g_string_new("");
        for (int i = 0; i < 100; i++)
                g_string_append(many, "\xe2\x82\xac"); /* three bytes each: 79 fit beside the mark */
        const struct {
                const char *title, *coded;
                size_t length;
        } cases[] = {
                {"Plain & <simple>", "Plain & <simple>", 16},
                {"Caf\xc3\xa9",
                 "\x15"
                 "Caf\xc3\xa9",
                 6},
                {"Two\nlines\x7f", "Two lines ", 10},
                {"", "", 0},
                {wide, wide, 240},
                {many->str, "\x15\xe2\x82\xac", 238},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, broad, 0);
                const OutputProgramme one = programme(rig, 1, cases[i].title, 0, 100);
                announce(rig, &one, 1, NULL, 0);
                run(rig, 1);
                char text[256];
                const char *title = title_of(section_of(rig, 0x4e, 0, 0), text, sizeof text);
                assert_int_equal(strlen(title), cases[i].length);
                assert_memory_equal(title, cases[i].coded, MIN(strlen(cases[i].coded), cases[i].length));
                assert_true(g_utf8_validate(title + (*title == 0x15), -1, NULL));
        }
}

static void INV_SIGNALS_003_time_is_that_of_the_frame(void **state) {
        const RvRational rate = {30000, 1001};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", 0);
        rig->next_tick = 25 * 3600 * 30; /* the next day */
        run(rig, rig->next_tick + 300);
        const Found *tdt;
        guint n = 0;
        for (; (tdt = section_of(rig, 0x70, -1, n)); n++) {
                assert_int_equal(tdt->size, 8);
                const int64_t utc_s = (EPOCH_UTC_MS + rv_tick_to_ms(tdt->tick, rate)) / 1000;
                g_autoptr(GDateTime) wanted = g_date_time_new_from_unix_utc(utc_s);
                g_autofree char *clock = g_date_time_format(wanted, "%H%M%S");
                g_autofree char *told = g_strdup_printf("%02x%02x%02x", tdt->bytes[5], tdt->bytes[6], tdt->bytes[7]);
                assert_string_equal(told, clock);
                assert_int_equal(number_at(tdt->bytes + 3, 2), 40587 + utc_s / 86400);
        }
        assert_in_range(n, 10, 11);
}

/* --- splices ------------------------------------------------------------------------------------------------------ */

typedef struct {
        int64_t tick; /* behind its picture */
        int type;     /* 5 insert, 6 time signal */
        uint32_t id;
        bool out, auto_return;
        int64_t pts, duration; /* -1: at once; none */
        int segmentation;
} Told;

static Told read_insert(const uint8_t *p, const uint8_t *end) {
        Told told = {.type = 5, .id = (uint32_t)number_at(p, 4), .out = p[5] >> 7, .pts = -1, .duration = -1};
        assert_int_equal(p[4], 0x7f);
        assert_int_equal(p[5] & 0x4f, 0x4f); /* of the whole programme */
        const bool has_duration = p[5] & 0x20, at_once = p[5] & 0x10;
        p += 6;
        if (!at_once) {
                assert_int_equal(*p & 0xfe, 0xfe);
                told.pts = (int64_t)(number_at(p, 5) & ((UINT64_C(1) << 33) - 1));
                p += 5;
        }
        if (has_duration) {
                told.auto_return = *p >> 7;
                told.duration = (int64_t)(number_at(p, 5) & ((UINT64_C(1) << 33) - 1));
                p += 5;
        }
        assert_ptr_equal(p + 4, end);
        return told;
}

static Told read_time_signal(const uint8_t *p, const uint8_t *end) {
        Told told = {.type = 6, .pts = -1, .duration = -1};
        if (*p & 0x80)
                told.pts = (int64_t)(number_at(p, 5) & ((UINT64_C(1) << 33) - 1));
        p += *p & 0x80 ? 5 : 1;
        assert_ptr_equal(p, end);
        p += 2; /* the loop's length */
        assert_int_equal(p[0], 0x02);
        const uint8_t *next = p + 2 + p[1];
        assert_int_equal(number_at(p + 2, 4), 0x43554549);
        told.id = (uint32_t)number_at(p + 6, 4);
        const bool has_duration = p[11] & 0x40;
        p += 12;
        if (has_duration)
                told.duration = (int64_t)number_at(p, 5);
        p += (has_duration ? 5 : 0);
        assert_int_equal(number_at(p, 2), 0);
        told.segmentation = p[2];
        assert_ptr_equal(p + 5, next);
        return told;
}

static Told read_splice(const Found *found) {
        const uint8_t *p = found->bytes;
        assert_int_equal(p[1] >> 4, 3);
        assert_int_equal(number_at(p + 3, 7), 0);
        assert_int_equal(p[10], 0xff);
        const uint8_t *command = p + 14, *end = command + (number_at(p + 11, 2) & 0xfff);
        assert_true(p[13] == 5 || p[13] == 6);
        Told told = p[13] == 5 ? read_insert(command, end) : read_time_signal(command, end);
        told.tick = found->tick;
        assert_ptr_equal(end + 2 + number_at(end, 2) + 4, p + found->size);
        return told;
}

/* The messages of a type, in order. */
static GArray *messages(const Rig *rig, int type) {
        GArray *all = g_array_new(FALSE, FALSE, sizeof(Told));
        const Found *found;
        for (guint i = 0; (found = section_of(rig, 0xfc, -1, i)); i++) {
                const Told told = read_splice(found);
                if (told.type == type)
                        g_array_append_val(all, told);
        }
        return all;
}

static void assert_told(const GArray *all, guint i, Told wanted) {
        assert_true(i < all->len);
        const Told *told = &g_array_index(all, Told, i);
        assert_int_equal(told->tick, wanted.tick);
        assert_int_equal(told->id, wanted.id);
        assert_int_equal(told->out, wanted.out);
        assert_int_equal(told->auto_return, wanted.out);
        assert_int_equal(told->pts, wanted.pts);
        assert_int_equal(told->duration, wanted.duration);
        assert_int_equal(told->segmentation, wanted.segmentation);
}

static void INV_SIGNALS_004_breaks_are_told_three_times_before_their_pictures(void **state) {
        const RvRational rate = {25, 1};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        const OutputBreak one = {.id = 0xfedcba98, .start_tick = 500, .end_tick = 1250};
        announce(rig, NULL, 0, &one, 1);
        run(rig, 1400);
        g_autoptr(GArray) all = messages(rig, 5);
        const int64_t out = ts_pts_of_tick(500, rate), in = ts_pts_of_tick(1250, rate);
        static const int64_t ahead[] = {200, 150, 113};
        assert_int_equal(all->len, 6);
        for (guint i = 0; i < 3; i++) {
                assert_told(all, i, (Told){500 - ahead[i], 5, one.id, true, true, out, 30 * 90000, 0});
                assert_told(all, 3 + i, (Told){1250 - ahead[i], 5, one.id, false, false, in, -1, 0});
        }
        assert_null(section_of(rig, 0xfc, -1, 6));
}

/* Over the round of the 33-bit clock, at a rate that does not divide it. */
static void INV_SIGNALS_004_time_stamps_are_those_of_the_pictures(void **state) {
        const RvRational rate = {30000, 1001};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        const int64_t start = 2752500;
        OutputBreak breaks[20];
        for (int64_t i = 0; i < 20; i++)
                breaks[i] = (OutputBreak){(uint32_t)i, start + i * 601, start + i * 601 + 301 + i};
        announce(rig, NULL, 0, breaks, 20);
        rig->next_tick = start - 400;
        run(rig, start + 20 * 601);
        g_autoptr(GArray) all = messages(rig, 5);
        assert_int_equal(all->len, 120);
        bool was_round = false;
        for (guint i = 0; i < all->len; i++) {
                const Told *told = &g_array_index(all, Told, i);
                const OutputBreak *it = &breaks[told->id];
                const int64_t at = told->out ? it->start_tick : it->end_tick;
                assert_int_equal(told->pts, ts_pts_of_tick(at, rate));
                assert_true(rv_tick_to_ms(at - told->tick, rate) >= 4000);
                const int64_t length = ts_pts_of_tick(it->end_tick, rate) - ts_pts_of_tick(it->start_tick, rate);
                was_round |= length < 0;
                if (told->out)
                        assert_int_equal(told->duration, length & ((INT64_C(1) << 33) - 1));
        }
        assert_true(was_round);
}

static void INV_SIGNALS_004_programmes_are_told_as_segmentation(void **state) {
        const RvRational rate = {25, 1};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        OutputProgramme known[] = {programme(rig, 7, "One", 0, 1000), programme(rig, 8, "Two", 1000, 2000)};
        known[0].begun_before = true;
        announce(rig, known, 2, NULL, 0);
        run(rig, 1100);
        g_autoptr(GArray) all = messages(rig, 6);
        const int64_t pts = ts_pts_of_tick(1000, rate);
        static const int64_t ahead[] = {200, 150, 113};
        assert_int_equal(all->len, 6);
        for (guint i = 0; i < 3; i++) {
                assert_told(all, 2 * i, (Told){1000 - ahead[i], 6, 7, false, false, pts, -1, 0x11});
                assert_told(all, 2 * i + 1, (Told){1000 - ahead[i], 6, 8, false, false, pts, 40 * 90000, 0x10});
        }
}

static void INV_SIGNALS_005_joined_in_its_midst_a_break_is_told_at_once(void **state) {
        const RvRational rate = {25, 1};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        const OutputBreak breaks[] = {{1, 0, 500}, {2, 600, 650}};
        announce(rig, NULL, 0, breaks, 2);
        run(rig, 700);
        g_autoptr(GArray) all = messages(rig, 5);
        assert_told(all, 0, (Told){0, 5, 1, true, true, -1, 20 * 90000, 0});
        assert_told(all, 1, (Told){300, 5, 1, false, false, ts_pts_of_tick(500, rate), -1, 0});
        /* Shorter than any notice: the return is told when the break has begun, not before. */
        assert_told(all, 4, (Told){400, 5, 2, true, true, ts_pts_of_tick(600, rate), 2 * 90000, 0});
        assert_told(all, all->len - 1, (Told){600, 5, 2, false, false, ts_pts_of_tick(650, rate), -1, 0});
        assert_int_equal(all->len, 8);
}

/* The block after the break's comes when the break has been told: its own spots are another break. */
static void INV_SIGNALS_005_a_break_that_was_told_stays_as_it_was(void **state) {
        const RvRational rate = {25, 1};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        const OutputBreak first = {1, 300, 600}, grown = {2, 300, 900}, rest = {2, 600, 900};
        announce(rig, NULL, 0, &first, 1);
        run(rig, 250);
        announce(rig, NULL, 0, &grown, 1);
        run(rig, 620);
        announce(rig, NULL, 0, &rest, 1); /* the first block is over */
        run(rig, 1000);
        g_autoptr(GArray) all = messages(rig, 5);
        assert_int_equal(all->len, 12);
        static const struct {
                uint32_t id;
                bool out;
                int64_t at, length;
        } wanted[] = {{1, true, 300, 300}, {1, false, 600, 0}, {2, true, 600, 300}, {2, false, 900, 0}};
        for (guint i = 0; i < all->len; i++) {
                const Told *told = &g_array_index(all, Told, i);
                bool known = false;
                for (size_t k = 0; k < G_N_ELEMENTS(wanted); k++)
                        known |= told->id == wanted[k].id && told->out == wanted[k].out &&
                                 told->pts == ts_pts_of_tick(wanted[k].at, rate) &&
                                 (!told->out || told->duration == wanted[k].length * 3600);
                assert_true(known);
        }
}

static void INV_SIGNALS_005_a_late_block_is_told_with_what_remains(void **state) {
        const RvRational rate = {25, 1};
        g_autoptr(Rig) rig = rig_new(rate, "Tavern", SPLICE_PID);
        run(rig, 200);
        const OutputBreak breaks[] = {{1, 0, 100}, {2, 150, 450}, {3, 260, 280}};
        const OutputProgramme late = programme(rig, 9, "Late", 150, 2000);
        announce(rig, &late, 1, breaks, 2);
        run(rig, 201);
        announce(rig, &late, 1, breaks, 2);
        run(rig, 600);
        g_autoptr(GArray) all = messages(rig, 5);
        g_autoptr(GArray) signals = messages(rig, 6);
        assert_told(all, 0, (Told){200, 5, 2, true, true, -1, 10 * 90000, 0});
        assert_int_equal(all->len, 4);
        assert_told(signals, 0, (Told){200, 6, 9, false, false, -1, 72 * 90000, 0x10});
        assert_int_equal(signals->len, 1);
}

static void no_splices_unless_asked_for(void **state) {
        g_autoptr(Rig) rig = rig_new((RvRational){25, 1}, "Tavern", 0);
        const OutputBreak one = {.id = 1, .start_tick = 0, .end_tick = 100};
        announce(rig, NULL, 0, &one, 1);
        run(rig, 200);
        assert_null(section_of(rig, 0xfc, -1, 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(INV_SIGNALS_001_each_table_is_repeated_within_two_seconds),
                cmocka_unit_test(INV_SIGNALS_001_the_service_has_one_number_and_its_name),
                cmocka_unit_test(INV_SIGNALS_002_what_is_on_and_what_is_next_change_with_the_picture),
                cmocka_unit_test(INV_SIGNALS_002_an_event_keeps_number_and_times_from_next_to_now),
                cmocka_unit_test(INV_SIGNALS_002_versions_go_round),
                cmocka_unit_test(titles_are_coded_for_receivers),
                cmocka_unit_test(INV_SIGNALS_003_time_is_that_of_the_frame),
                cmocka_unit_test(INV_SIGNALS_004_breaks_are_told_three_times_before_their_pictures),
                cmocka_unit_test(INV_SIGNALS_004_time_stamps_are_those_of_the_pictures),
                cmocka_unit_test(INV_SIGNALS_004_programmes_are_told_as_segmentation),
                cmocka_unit_test(INV_SIGNALS_005_joined_in_its_midst_a_break_is_told_at_once),
                cmocka_unit_test(INV_SIGNALS_005_a_break_that_was_told_stays_as_it_was),
                cmocka_unit_test(INV_SIGNALS_005_a_late_block_is_told_with_what_remains),
                cmocka_unit_test(no_splices_unless_asked_for),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

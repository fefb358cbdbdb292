#include <string.h>

#include "core/plan/schedule/rules.h"

#define DAY_S INT64_C(86400)
#define EPOCH_JULIAN 719163 /* GDate's number of 1970-01-01 */

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

/* Three numbers of four, two and two digits with dashes between; false when it is not such a date. */
static bool parse_day(const char *day, GDate *ret_date) {
        static const char form[] = "dddd-dd-dd";
        int parts[3] = {0}, part = 0;
        if (strlen(day) != sizeof(form) - 1)
                return false;
        for (size_t i = 0; form[i]; i++) {
                if (form[i] == 'd' ? !g_ascii_isdigit(day[i]) : day[i] != form[i])
                        return false;
                if (form[i] == 'd')
                        parts[part] = parts[part] * 10 + g_ascii_digit_value(day[i]);
                else
                        part++;
        }
        if (!g_date_valid_dmy((GDateDay)parts[2], (GDateMonth)parts[1], (GDateYear)parts[0]))
                return false;
        g_date_clear(ret_date, 1);
        g_date_set_dmy(ret_date, (GDateDay)parts[2], (GDateMonth)parts[1], (GDateYear)parts[0]);
        return true;
}

bool day_valid(const char *day) {
        GDate date;
        return parse_day(day, &date);
}

int64_t day_number(const char *day) {
        GDate date;
        g_assert(parse_day(day, &date));
        return (int64_t)g_date_get_julian(&date) - EPOCH_JULIAN;
}

void day_name(int64_t number, char ret_day[11]) {
        GDate date;
        g_date_clear(&date, 1);
        g_date_set_julian(&date, (guint32)(number + EPOCH_JULIAN));
        g_snprintf(ret_day, 11, "%04d-%02d-%02d", g_date_get_year(&date), g_date_get_month(&date),
                   g_date_get_day(&date));
}

int day_weekday(int64_t number) {
        return (int)(((number + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

static int64_t offset_s(GTimeZone *zone, int64_t utc_s) {
        const int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s);
        return g_time_zone_get_offset(zone, interval);
}

/* The instant in (low, high] from which on the zone's offset is no longer what it is at low. */
static int64_t change_between(GTimeZone *zone, int64_t low, int64_t high) {
        const int64_t before = offset_s(zone, low);
        while (high - low > 1) {
                const int64_t middle = low + (high - low) / 2;
                if (offset_s(zone, middle) == before)
                        low = middle;
                else
                        high = middle;
        }
        return high;
}

int64_t local_to_utc_ms(GTimeZone *zone, int64_t number, int64_t minute) {
        const int64_t local = number * DAY_S + minute * 60;
        const int64_t before = offset_s(zone, local - DAY_S), after = offset_s(zone, local + DAY_S);
        if (offset_s(zone, local - before) == before)
                return (local - before) * 1000; /* of two such instants the first */
        if (offset_s(zone, local - after) == after)
                return (local - after) * 1000;
        return change_between(zone, local - DAY_S, local + DAY_S) *
               1000; /* no such wall time: the clock jumps over it */
}

bool zone_suits_grid(GTimeZone *zone, int32_t grid_minutes) {
        const int64_t start_s = day_number("2020-01-15") * DAY_S;
        int64_t last = offset_s(zone, start_s);
        for (int month = 1; month < 12 * 25; month++) {
                const int64_t offset = offset_s(zone, start_s + month * 30 * DAY_S);
                if ((offset - last) % (grid_minutes * 60) != 0)
                        return false;
                last = offset;
        }
        return true;
}

void schedule_day_bounds(const ChannelSpec *spec, const char *day, int64_t *ret_start_utc_ms, int64_t *ret_end_utc_ms) {
        const int64_t number = day_number(day);
        *ret_start_utc_ms = local_to_utc_ms(spec->zone, number, spec->day_start_minutes);
        *ret_end_utc_ms = local_to_utc_ms(spec->zone, number + 1, spec->day_start_minutes);
}

/* INV-SCHEDULE-BROADCAST-DAY-SEMANTIC-CONSISTENCY: by the same bounds that a day is compiled in, changes of clock
 * included. */
void schedule_day_in(GTimeZone *zone, int32_t day_start_minutes, int64_t utc_ms, char ret_day[11]) {
        const int64_t utc_s = floor_div(utc_ms, 1000);
        const int64_t local_s = utc_s + offset_s(zone, utc_s) - day_start_minutes * 60;
        int64_t number = floor_div(local_s, DAY_S);
        if (utc_ms < local_to_utc_ms(zone, number, day_start_minutes))
                number--;
        else if (utc_ms >= local_to_utc_ms(zone, number + 1, day_start_minutes))
                number++;
        day_name(number, ret_day);
}

void schedule_day_of(const ChannelSpec *spec, int64_t utc_ms, char ret_day[11]) {
        schedule_day_in(spec->zone, spec->day_start_minutes, utc_ms, ret_day);
}

void schedule_day_step(const char *day, int step, char ret_day[11]) {
        day_name(day_number(day) + step, ret_day);
}

int64_t schedule_slot_ms(const ChannelSpec *spec, int64_t content_ms) {
        const int64_t unit = spec->grid_minutes * MINUTE_MS;
        return MAX(1, (content_ms + unit - 1) / unit) * unit;
}

bool schedule_on_grid(const ChannelSpec *spec, int64_t utc_ms) {
        const int64_t local_ms = utc_ms + offset_s(spec->zone, floor_div(utc_ms, 1000)) * 1000;
        return local_ms % (spec->grid_minutes * MINUTE_MS) == 0;
}

/* Dates of the calendar in a channel file. */
#include <string.h>

#include "core/plan/schedule/language/language.h"

static bool parse_date(const char *text, size_t n, int *ret_date) {
        char whole[11];
        if (n == 5) /* of every year: a leap year knows all of them */
                g_snprintf(whole, sizeof(whole), "2024-%.5s", text);
        else
                g_snprintf(whole, sizeof(whole), "%.*s", (int)MIN(n, 10), text);
        if ((n != 5 && n != 10) || !day_valid(whole))
                return false;
        const int month_day = (int)(g_ascii_strtoll(whole + 5, NULL, 10) * 100 + g_ascii_strtoll(whole + 8, NULL, 10));
        *ret_date = n == 5 ? month_day : (int)g_ascii_strtoll(whole, NULL, 10) * 10000 + month_day;
        return true;
}

static bool yearly(int date) {
        return date < 10000;
}

static bool parse_range(const char *text, DateRange *ret_range) {
        const char *dots = strstr(text, "..");
        if (!parse_date(text, dots ? (size_t)(dots - text) : strlen(text), &ret_range->first))
                return false;
        ret_range->last = ret_range->first;
        if (dots && !parse_date(dots + 2, strlen(dots + 2), &ret_range->last))
                return false;
        return yearly(ret_range->first) == yearly(ret_range->last);
}

static bool add_range(GArray *dates, const YamlNode *node, Diag *diag) {
        const char *text = NULL;
        DateRange range;
        if (!yaml_read_text(node, &text, diag))
                return false;
        if (!parse_range(text, &range)) {
                yaml_fault(node, diag,
                           "\"%s\" is neither a date nor a range of dates: write 2026-12-24, 2026-12-24..2026-12-26, "
                           "or 12-24..12-26 for every year",
                           text);
                return false;
        }
        if (range.first > range.last && !yearly(range.first)) {
                yaml_fault(node, diag, "\"%s\" ends before it begins", text);
                return false;
        }
        g_array_append_val(dates, range);
        return true;
}

GArray *dates_read(const YamlNode *node, Diag *diag) {
        g_autoptr(GArray) dates = g_array_new(false, false, sizeof(DateRange));
        const bool list = yaml_kind(node) == YAML_SEQUENCE;
        bool good = true;
        for (unsigned i = 0; i < (list ? yaml_size(node) : 1); i++)
                good = add_range(dates, list ? yaml_item(node, i) : node, diag) && good;
        if (good && dates->len == 0) {
                yaml_fault(node, diag, "this list is empty: name at least one date");
                good = false;
        }
        return good ? g_steal_pointer(&dates) : NULL;
}

static int day_count(int date) {
        char day[11];
        g_snprintf(day, sizeof(day), "%04d-%02d-%02d", yearly(date) ? 2024 : date / 10000, date / 100 % 100,
                   date % 100);
        return (int)day_number(day);
}

int dates_span(const GArray *dates) {
        int64_t days = 0;
        for (guint i = 0; i < dates->len; i++) {
                const DateRange *range = &g_array_index(dates, DateRange, i);
                const int length = day_count(range->last) - day_count(range->first);
                days += (length < 0 ? length + 366 : length) + 1;
        }
        return (int)MIN(days, G_MAXINT);
}

/* Month and day of inner between those of outer; both may run over the year's end. */
static bool yearly_within(int first, int last, const DateRange *outer) {
        const bool wraps = outer->first > outer->last, inner_wraps = first > last;
        if (inner_wraps)
                return wraps && first >= outer->first && last <= outer->last;
        if (wraps)
                return first >= outer->first || last <= outer->last;
        return first >= outer->first && last <= outer->last;
}

static bool range_within(const DateRange *inner, const DateRange *outer) {
        if (yearly(inner->first))
                return yearly(outer->first) && yearly_within(inner->first, inner->last, outer);
        if (!yearly(outer->first))
                return inner->first >= outer->first && inner->last <= outer->last;
        return day_count(inner->last) - day_count(inner->first) < 365 &&
               yearly_within(inner->first % 10000, inner->last % 10000, outer);
}

bool dates_within(const GArray *inner, const GArray *outer) {
        for (guint i = 0; i < inner->len; i++) {
                bool within = false;
                for (guint j = 0; j < outer->len && !within; j++)
                        within = range_within(&g_array_index(inner, DateRange, i), &g_array_index(outer, DateRange, j));
                if (!within)
                        return false;
        }
        return true;
}

bool dates_hold(const GArray *dates, int64_t number) {
        char day[11];
        int date = 0;
        day_name(number, day);
        if (!parse_date(day, strlen(day), &date))
                return false;
        for (guint i = 0; i < dates->len; i++) {
                const DateRange *range = &g_array_index(dates, DateRange, i);
                const int at = yearly(range->first) ? date % 10000 : date;
                const bool inside = range->first <= range->last ? range->first <= at && at <= range->last
                                                                : range->first <= at || at <= range->last;
                if (inside)
                        return true;
        }
        return false;
}

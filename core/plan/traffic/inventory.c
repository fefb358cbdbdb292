#include "core/plan/traffic/inventory.h"

#include <string.h>

#define SPOT_MIN_MS 1000
#define KINDS_FROM ASSET_COMMERCIAL

/* --- frames ---------------------------------------------------------------------------------------------------------
 */

static BreakRules rules_over(BreakRules rules, const BreakRules *over) {
        if (over->given & BREAK_RULE_ALLOWED)
                memcpy(rules.allowed, over->allowed, sizeof(rules.allowed));
        if (over->given & BREAK_RULE_ENDS) {
                memcpy(rules.open, over->open, sizeof(rules.open));
                memcpy(rules.close, over->close, sizeof(rules.close));
        }
        if (over->given & BREAK_RULE_BODY)
                memcpy(rules.share, over->share, sizeof(rules.share));
        if (over->given & BREAK_RULE_CAPS)
                memcpy(rules.caps, over->caps, sizeof(rules.caps));
        if (over->given & BREAK_RULE_BARRED)
                rules.barred = over->barred;
        return rules;
}

static bool is_end(const BreakRules *rules, AssetKind kind) {
        bool found = false;
        for (int i = 0; rules->open[i]; i++)
                found = found || rules->open[i] == kind;
        for (int i = 0; rules->close[i]; i++)
                found = found || rules->close[i] == kind;
        return found;
}

static bool has_kind(const TrafficInventory *inventory, AssetKind kind) {
        for (guint i = 0; i < inventory->spots->len; i++)
                if (g_array_index(inventory->spots, Spot, i).asset->kind == kind)
                        return true;
        return false;
}

/* A library without anything but bumpers and station ids has breaks of those. */
static void add_frame(TrafficInventory *inventory, BreakRules rules, const Daypart *daypart) {
        Frame frame = {.rules = rules, .daypart = daypart};
        bool any = false;
        for (int kind = KINDS_FROM; kind < ASSET_FILLER; kind++)
                frame.shared = frame.shared || rules.share[kind] > 0;
        for (int kind = KINDS_FROM; kind < ASSET_FILLER; kind++) {
                const bool in = frame.shared ? rules.share[kind] > 0 : !is_end(&rules, (AssetKind)kind);
                frame.body[kind] = rules.allowed[kind] && in;
                any = any || (frame.body[kind] && has_kind(inventory, (AssetKind)kind));
        }
        if (!any && !frame.shared)
                memcpy(frame.body, rules.allowed, sizeof(frame.body));
        g_array_append_val(inventory->frames, frame);
}

static void make_frames(TrafficInventory *inventory, const BreakPolicy *policy) {
        add_frame(inventory, policy->rules, NULL);
        for (guint i = 0; policy->dayparts && i < policy->dayparts->len; i++) {
                const Daypart *daypart = policy->dayparts->pdata[i];
                add_frame(inventory, rules_over(policy->rules, &daypart->rules), daypart);
        }
}

static bool daypart_covers(const Daypart *daypart, int weekday, int minute) {
        if (!daypart->days[weekday])
                return false;
        if (daypart->start < daypart->end)
                return minute >= daypart->start && minute < daypart->end;
        return minute >= daypart->start || minute < daypart->end;
}

/* INV-TRAFFIC-DAYPART-001 */
const Frame *inventory_frame(const TrafficInventory *inventory, int64_t utc_ms) {
        char day[11];
        GDate date;
        if (inventory->frames->len > 1) {
                g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(utc_ms / 1000);
                g_autoptr(GDateTime) local = g_date_time_to_timezone(utc, inventory->spec->zone);
                const int minute = g_date_time_get_hour(local) * 60 + g_date_time_get_minute(local);
                schedule_day_of(inventory->spec, utc_ms, day);
                g_date_set_dmy(&date, (GDateDay)g_ascii_strtoll(day + 8, NULL, 10),
                               (GDateMonth)g_ascii_strtoll(day + 5, NULL, 10),
                               (GDateYear)g_ascii_strtoll(day, NULL, 10));
                for (guint i = 1; i < inventory->frames->len; i++) {
                        const Frame *frame = &g_array_index(inventory->frames, Frame, i);
                        if (daypart_covers(frame->daypart, g_date_get_weekday(&date) - 1, minute))
                                return frame;
                }
        }
        return &g_array_index(inventory->frames, Frame, 0);
}

/* --- spots and lines ------------------------------------------------------------------------------------------------
 */

static int number_of(GHashTable *numbers, const char *name) {
        if (!name)
                return -1;
        gpointer number = g_hash_table_lookup(numbers, name);
        if (!number) {
                number = GUINT_TO_POINTER(g_hash_table_size(numbers) + 1);
                g_hash_table_insert(numbers, (char *)name, number);
        }
        return (int)GPOINTER_TO_UINT(number) - 1;
}

static Line *line_of(TrafficInventory *inventory, int campaign, AssetKind kind) {
        const BreakPolicy *policy = channel_spec_policy(inventory->spec);
        for (guint i = 0; i < inventory->lines->len; i++) {
                Line *line = &g_array_index(inventory->lines, Line, i);
                if (line->campaign == campaign && line->kind == kind)
                        return line;
        }
        const SpotGroup *group = campaign >= 0 ? inventory_campaign(inventory, campaign) : NULL;
        const Line made = {.campaign = campaign,
                           .kind = kind,
                           .priority = group ? group->priority : 0,
                           .cooldown_ms =
                                   group && group->cooldown_ms >= 0 ? group->cooldown_ms : policy->cooldown_ms[kind],
                           .shortest_ms = INT64_MAX,
                           .spots = g_array_new(false, false, sizeof(guint))};
        g_array_append_val(inventory->lines, made);
        return &g_array_index(inventory->lines, Line, inventory->lines->len - 1);
}

static void add_to_line(TrafficInventory *inventory, int campaign, const Asset *asset, guint number, bool promotes) {
        Line *line = line_of(inventory, campaign, asset->kind);
        line->promotes = line->promotes || promotes;
        line->shortest_ms = MIN(line->shortest_ms, asset->duration_ms);
        g_array_append_val(line->spots, number);
}

static int add_subject(TrafficInventory *inventory, const GHashTable *titles, const Asset *asset) {
        Subject subject = {0};
        if (!subject_of(channel_spec_policy(inventory->spec), titles, asset, &subject))
                return -1;
        g_array_append_val(inventory->subjects, subject);
        return (int)inventory->subjects->len - 1;
}

/* Whose it is, as the first group says that knows, and the lines it stands in: the house's where no campaign has it. */
static void add_spot(TrafficInventory *inventory, const GHashTable *titles, const Asset *asset) {
        const GPtrArray *groups = channel_spec_policy(inventory->spec)->groups;
        const guint number = inventory->spots->len;
        const int subject = add_subject(inventory, titles, asset);
        const char *advertiser = NULL, *category = NULL;
        bool house = true;
        for (guint i = 0; groups && i < groups->len; i++) {
                const SpotGroup *group = groups->pdata[i];
                if (!spot_group_holds(groups, group, asset))
                        continue;
                const SpotGroup *owner = spot_group_inventory(groups, group);
                advertiser = advertiser ? advertiser : group->advertiser;
                advertiser = advertiser || !owner ? advertiser : owner->advertiser;
                category = category ? category : group->category;
                category = category || !owner ? category : owner->category;
                if (group->campaign)
                        add_to_line(inventory, (int)i, asset, number, subject >= 0);
                house = house && !group->campaign;
        }
        if (house)
                add_to_line(inventory, -1, asset, number, subject >= 0);
        const Spot spot = {.asset = asset,
                           .lot = seed_mix(0, asset->id),
                           .advertiser = number_of(inventory->advertisers, advertiser),
                           .category = number_of(inventory->categories, category),
                           .category_name = category,
                           .subject = subject};
        g_array_append_val(inventory->spots, spot);
        g_hash_table_insert(inventory->spot_of, (Asset *)asset, GUINT_TO_POINTER(number + 1));
}

int64_t *inventory_airings(const TrafficInventory *inventory, const TrafficComing *coming, const Programme *programme) {
        int64_t *airings = g_new0(int64_t, inventory->subjects->len + 1);
        for (guint i = 0; i < inventory->subjects->len; i++)
                airings[i] = coming_airing(coming, inventory->spec, &g_array_index(inventory->subjects, Subject, i),
                                           programme);
        return airings;
}

const SpotGroup *inventory_campaign(const TrafficInventory *inventory, int campaign) {
        return channel_spec_policy(inventory->spec)->groups->pdata[campaign];
}

/* --- the whole ------------------------------------------------------------------------------------------------------
 */

static bool usable(const TrafficInventory *inventory, const Asset *asset) {
        return asset->duration_ms >= SPOT_MIN_MS &&
               !(inventory->excluded && g_hash_table_contains(inventory->excluded, asset->id));
}

/* Kinds that some frame allows. INV-TRAFFIC-POLICY-SOURCE-001 */
static bool kind_allowed(const BreakPolicy *policy, AssetKind kind) {
        bool allowed = policy->rules.allowed[kind];
        for (guint i = 0; policy->dayparts && i < policy->dayparts->len; i++)
                allowed = allowed || ((const Daypart *)policy->dayparts->pdata[i])->rules.allowed[kind];
        return allowed;
}

static GHashTable *copy_set(const GHashTable *set) {
        GHashTable *copy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, (GHashTable *)set);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                g_hash_table_add(copy, g_strdup(key));
        return copy;
}

static void line_clear(gpointer line) {
        g_array_unref(((Line *)line)->spots);
}

static void fill_up(TrafficInventory *inventory) {
        const BreakPolicy *policy = channel_spec_policy(inventory->spec);
        const CatalogSnapshot *catalog = inventory->catalog;
        g_autoptr(GHashTable) titles = subject_titles(catalog);
        for (uint32_t i = 0; i < catalog->n_assets; i++) {
                const Asset *asset = catalog->assets[i];
                if (kind_allowed(policy, asset->kind) && asset_eligible(asset) && usable(inventory, asset))
                        add_spot(inventory, titles, asset);
        }
        g_autoptr(GPtrArray) filler = channel_spec_filler(inventory->spec, catalog);
        for (guint i = 0; i < filler->len; i++)
                if (usable(inventory, filler->pdata[i]))
                        g_ptr_array_add(inventory->filler, filler->pdata[i]);
        make_frames(inventory, policy);
}

TrafficInventory *traffic_inventory_new(ChannelSpec *spec, CatalogSnapshot *catalog, const GHashTable *excluded) {
        static gint serial; /* atomic */
        TrafficInventory *inventory = g_new0(TrafficInventory, 1);
        inventory->spec = channel_spec_ref(spec);
        inventory->catalog = catalog_snapshot_ref(catalog);
        inventory->excluded = excluded ? copy_set(excluded) : NULL;
        inventory->serial = (uint64_t)g_atomic_int_add(&serial, 1) + 1;
        inventory->spots = g_array_new(false, true, sizeof(Spot));
        inventory->spot_of = g_hash_table_new(NULL, NULL);
        inventory->subjects = g_array_new(false, true, sizeof(Subject));
        g_array_set_clear_func(inventory->subjects, subject_clear);
        inventory->lines = g_array_new(false, true, sizeof(Line));
        g_array_set_clear_func(inventory->lines, line_clear);
        inventory->filler = g_ptr_array_new();
        inventory->frames = g_array_new(false, true, sizeof(Frame));
        inventory->advertisers = g_hash_table_new(g_str_hash, g_str_equal);
        inventory->categories = g_hash_table_new(g_str_hash, g_str_equal);
        fill_up(inventory);
        return inventory;
}

void traffic_inventory_free(TrafficInventory *inventory) {
        if (!inventory)
                return;
        g_array_unref(inventory->spots);
        g_hash_table_unref(inventory->spot_of);
        g_array_unref(inventory->subjects);
        g_array_unref(inventory->lines);
        g_ptr_array_unref(inventory->filler);
        g_array_unref(inventory->frames);
        g_hash_table_unref(inventory->advertisers);
        g_hash_table_unref(inventory->categories);
        g_clear_pointer(&inventory->excluded, g_hash_table_unref);
        catalog_snapshot_unref(inventory->catalog);
        channel_spec_unref(inventory->spec);
        g_free(inventory);
}

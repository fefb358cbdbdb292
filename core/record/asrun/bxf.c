/* As-run as a BXF message (SMPTE ST 2021): one AsRun element for each segment, in the order in which they began. */
#include <libxml/xmlwriter.h>
#include <string.h>

#include "core/record/asrun/export_private.h"
#include "proto/base/id.h"

#define NAMESPACE "http://smpte-ra.org/schemas/2021/2008/BXF"
#define OUR_NAMESPACE "urn:retrovue:asrun:1"

struct Bxf {
        const AsRunExportOptions *options;
        xmlTextWriter *out;
        char rate[16];   /* "29.97" */
        int64_t nominal; /* frames of a timecode's second */
};

/* What the writer returns is not looked at: a file that cannot be written has its error flag. */

static void open_element(const Bxf *bxf, const char *name) {
        (void)xmlTextWriterStartElement(bxf->out, BAD_CAST name);
}

static void close_element(const Bxf *bxf) {
        (void)xmlTextWriterEndElement(bxf->out);
}

/* Strangers' text: what XML cannot hold becomes a space. */
static char *clean(const char *text) {
        char *valid = g_utf8_make_valid(text, -1);
        for (char *c = valid; *c; c++) {
                if ((unsigned char)*c < 0x20 && *c != '\t' && *c != '\n')
                        *c = ' ';
                else if (g_str_has_prefix(c, "\xEF\xBF\xBE") || g_str_has_prefix(c, "\xEF\xBF\xBF"))
                        c[0] = c[1] = c[2] = ' '; /* U+FFFE, U+FFFF */
        }
        return valid;
}

static void attribute(const Bxf *bxf, const char *name, const char *value) {
        g_autofree char *text = clean(value);
        (void)xmlTextWriterWriteAttribute(bxf->out, BAD_CAST name, BAD_CAST text);
}

static void element(const Bxf *bxf, const char *name, const char *value) {
        g_autofree char *text = clean(value);
        (void)xmlTextWriterWriteElement(bxf->out, BAD_CAST name, BAD_CAST text);
}

/* --- timecodes --------------------------------------------------------------------------------------------------- */

/* Of a count of frames; at 29.97 and 59.94 with drop frames, at 23.976 without (there are none). */
static void format_frames(const Bxf *bxf, int64_t frames, char ret_text[24]) {
        const bool drops = bxf->options->rate.den == 1001 && bxf->nominal % 30 == 0;
        const int64_t dropped = bxf->nominal / 15; /* labels a minute, but not each tenth */
        if (drops) {
                const int64_t minute = bxf->nominal * 60 - dropped, ten = minute * 10 + dropped;
                const int64_t rest = frames % ten;
                frames += dropped * 9 * (frames / ten);
                frames += rest >= dropped ? dropped * ((rest - dropped) / minute) : 0;
        }
        const int64_t s = frames / bxf->nominal;
        g_snprintf(ret_text, 24, "%02d:%02d:%02d%c%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60),
                   drops ? ';' : ':', (int)(frames % bxf->nominal));
}

/* The channel's clock, and which frame of the second. */
static char *format_clock(const Bxf *bxf, int64_t utc_ms) {
        const int64_t frame = MIN((utc_ms % 1000 * bxf->nominal + 500) / 1000, bxf->nominal - 1);
        g_autofree char *clock = asrun_format_time(bxf->options->zone, utc_ms, "%H:%M:%S");
        return g_strdup_printf("%s:%02d", clock, (int)frame);
}

static void write_start(const Bxf *bxf, const json_t *entry) {
        g_autofree char *clock = format_clock(bxf, asrun_document_start_utc_ms(entry));
        open_element(bxf, "StartDateTime");
        open_element(bxf, "SmpteDateTime");
        attribute(bxf, "broadcastDate", asrun_entry_text(entry, "broadcast_day"));
        attribute(bxf, "frameRate", bxf->rate);
        element(bxf, "SmpteTimeCode", clock);
        close_element(bxf);
        close_element(bxf);
}

/* What core closed has no count of frames. */
static int64_t frames_of(const Bxf *bxf, const json_t *entry) {
        const int64_t frames = asrun_entry_int(entry, "frames");
        const int64_t ms = asrun_entry_int(entry, "actual_end_utc_ms") - asrun_document_start_utc_ms(entry);
        return frames > 0 ? frames : rv_tick_at_ms(MAX(ms, 0), bxf->options->rate);
}

static void write_frames(const Bxf *bxf, const char *name, int64_t frames) {
        char text[24];
        format_frames(bxf, frames, text);
        open_element(bxf, name);
        open_element(bxf, "SmpteDuration");
        attribute(bxf, "frameRate", bxf->rate);
        element(bxf, "SmpteTimeCode", text);
        close_element(bxf);
        close_element(bxf);
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static const char *status_of(const json_t *entry) {
        const char *status = asrun_entry_text(entry, "status");
        const bool shown = asrun_entry_int(entry, "frames") > asrun_entry_int(entry, "fallback_frames");
        if (g_str_equal(status, "AIRED"))
                return "Aired Without Discrepancy";
        if (g_str_equal(status, "SKIPPED") || (g_str_equal(status, "ERROR") && !shown))
                return "Did Not Air";
        return "Aired With Discrepancy";
}

static void write_content(const Bxf *bxf, const json_t *entry) {
        const char *house_number = asrun_entry_text(entry, "asset_uuid"), *title = asrun_entry_text(entry, "title");
        open_element(bxf, "Content");
        if (house_number[0]) {
                open_element(bxf, "ContentId");
                element(bxf, "HouseNumber", house_number);
                close_element(bxf);
        }
        element(bxf, "Name", title[0] ? title : "Black");
        element(bxf, "Description", asrun_entry_text(entry, "type"));
        close_element(bxf);
}

/* What BXF has no place for: the record's own words, to the millisecond and the frame. */
static void write_private(const Bxf *bxf, const json_t *entry) {
        static const char *const texts[] = {"event_id", "block_id", "session_id", "event_uuid",
                                            "status",   "reason",   "asset_uri"};
        static const char *const numbers[] = {"sequence",          "actual_start_utc_ms", "actual_end_utc_ms",
                                              "asset_start_frame", "asset_end_frame",     "frames",
                                              "fallback_frames"};
        open_element(bxf, "PrivateInformation");
        (void)xmlTextWriterStartElementNS(bxf->out, BAD_CAST "rv", BAD_CAST "Evidence", BAD_CAST OUR_NAMESPACE);
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                if (asrun_entry_text(entry, texts[i])[0])
                        attribute(bxf, texts[i], asrun_entry_text(entry, texts[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                g_autofree char *number = g_strdup_printf("%" G_GINT64_FORMAT, asrun_entry_int(entry, numbers[i]));
                attribute(bxf, numbers[i], number);
        }
        close_element(bxf);
        close_element(bxf);
}

static void write_id(const Bxf *bxf, const json_t *entry) {
        const char *uuid = asrun_entry_text(entry, "segment_uuid");
        g_autofree char *id = g_strconcat("urn:uuid:", uuid[0] ? uuid : asrun_entry_text(entry, "event_uuid"), NULL);
        open_element(bxf, "AsRunEventId");
        element(bxf, "EventId", id);
        close_element(bxf);
}

void asrun_bxf_entry(Bxf *bxf, const json_t *entry) {
        if (!g_str_equal(asrun_entry_text(entry, "kind"), "segment_end"))
                return;
        open_element(bxf, "AsRun");
        open_element(bxf, "BasicAsRun");
        write_id(bxf, entry);
        write_content(bxf, entry);
        open_element(bxf, "AsRunDetail");
        element(bxf, "Status", status_of(entry));
        element(bxf, "Type", "Primary");
        write_start(bxf, entry);
        write_frames(bxf, "Duration", frames_of(bxf, entry));
        if (asrun_entry_int(entry, "asset_start_frame") >= 0 && asrun_entry_text(entry, "asset_uuid")[0])
                write_frames(bxf, "SOM", asrun_entry_int(entry, "asset_start_frame"));
        close_element(bxf);
        close_element(bxf);
        write_private(bxf, entry);
        close_element(bxf);
}

/* --- the message ------------------------------------------------------------------------------------------------- */

static void open_message(const Bxf *bxf) {
        char uuid[RV_UUID_SIZE];
        rv_uuid_random(uuid);
        g_autofree char *id = g_strconcat("urn:uuid:", uuid, NULL);
        g_autofree char *now = asrun_format_time(NULL, bxf->options->now_utc_ms, "%Y-%m-%dT%H:%M:%SZ");
        open_element(bxf, "BxfMessage");
        attribute(bxf, "xmlns", NAMESPACE);
        attribute(bxf, "id", id);
        attribute(bxf, "dateTime", now);
        attribute(bxf, "messageType", "Information");
        attribute(bxf, "usage", "AsRun");
        attribute(bxf, "origin", "RetroVue");
        attribute(bxf, "originType", "Automation");
        attribute(bxf, "userName", "retrovue");
        attribute(bxf, "destination", "Traffic");
}

static void open_schedule(const Bxf *bxf) {
        const AsRunExportOptions *options = bxf->options;
        g_autofree char *number = g_strdup_printf("%d", options->channel_number);
        open_element(bxf, "BxfData");
        attribute(bxf, "action", "add");
        open_element(bxf, "Schedule");
        attribute(bxf, "action", "add");
        attribute(bxf, "type", "Primary");
        open_element(bxf, "Channel");
        attribute(bxf, "type", "digital_television");
        attribute(bxf, "shortName", options->channel_id);
        attribute(bxf, "channelNumber", number);
        element(bxf, "Name", options->channel_name);
        close_element(bxf);
}

Bxf *asrun_bxf_begin(const AsRunExportOptions *options) {
        const RvRational rate = options->rate;
        xmlOutputBuffer *buffer = xmlOutputBufferCreateFile(options->out, NULL);
        Bxf *bxf = g_new0(Bxf, 1);
        bxf->options = options;
        bxf->out = xmlNewTextWriter(buffer);
        bxf->nominal = (rate.num + rate.den - 1) / rate.den;
        const int64_t hundredths = (int64_t)rate.num * 100 / rate.den;
        g_snprintf(bxf->rate, sizeof bxf->rate, hundredths % 100 ? "%d.%02d" : "%d", (int)(hundredths / 100),
                   (int)(hundredths % 100));
        (void)xmlTextWriterSetIndent(bxf->out, 1);
        (void)xmlTextWriterStartDocument(bxf->out, NULL, "UTF-8", NULL);
        open_message(bxf);
        open_schedule(bxf);
        return bxf;
}

void asrun_bxf_end(Bxf *bxf) {
        (void)xmlTextWriterEndDocument(bxf->out); /* closes what is open */
        xmlFreeTextWriter(bxf->out);
        g_free(bxf);
}

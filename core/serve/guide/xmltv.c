/* The guide as XMLTV: elements in the order that xmltv.dtd wants, every time in UTC. */
#include <libxml/xmlwriter.h>
#include <string.h>

#include "core/serve/guide/guide_private.h"

#define GENERATOR "RetroVue"

/* Memory is the only thing that writing to memory can run out of, and then the program ends: results need no look. */

static void element_open(xmlTextWriter *out, const char *name) {
        (void)xmlTextWriterStartElement(out, BAD_CAST name);
}

static void element_close(xmlTextWriter *out) {
        (void)xmlTextWriterEndElement(out);
}

static void attribute(xmlTextWriter *out, const char *name, const char *value) {
        (void)xmlTextWriterWriteAttribute(out, BAD_CAST name, BAD_CAST value);
}

static void element(xmlTextWriter *out, const char *name, const char *text) {
        (void)xmlTextWriterWriteElement(out, BAD_CAST name, BAD_CAST text);
}

/* Strangers' text, which may be missing or empty: then there is no element. */
static void text_element(xmlTextWriter *out, const char *name, const char *text) {
        g_autofree char *clean = guide_text(text);
        if (clean[0])
                element(out, name, clean);
}

static void time_attribute(xmlTextWriter *out, const char *name, int64_t utc_ms) {
        g_autoptr(GDateTime) second = g_date_time_new_from_unix_utc(utc_ms / 1000);
        g_autofree char *text = g_date_time_format(second, "%Y%m%d%H%M%S +0000");
        attribute(out, name, text);
}

static void write_channel(xmlTextWriter *out, const Guide *guide, const ChannelSpec *spec, const char *base_url) {
        g_autofree char *id = guide_channel_id(guide, spec->number);
        g_autofree char *name = guide_channel_name(spec);
        g_autofree char *number = g_strdup_printf("%d", spec->number);
        g_autofree char *both = g_strdup_printf("%s %s", number, name);
        g_autofree char *logo = g_strdup_printf("%s/logo/%s.png", base_url, spec->id);
        element_open(out, "channel");
        attribute(out, "id", id);
        element(out, "display-name", both);
        element(out, "display-name", number);
        element(out, "display-name", name);
        element_open(out, "icon");
        attribute(out, "src", logo);
        element_close(out);
        element_close(out);
}

static void write_categories(xmlTextWriter *out, const Programme *programme) {
        if (programme->kind == ASSET_EPISODE)
                element(out, "category", "Series");
        else if (programme->kind == ASSET_MOVIE)
                element(out, "category", "Movie");
        for (char **genre = programme->genres; *genre; genre++)
                text_element(out, "category", *genre);
}

static void episode_number(xmlTextWriter *out, const char *system, const char *text) {
        element_open(out, "episode-num");
        attribute(out, "system", system);
        (void)xmlTextWriterWriteString(out, BAD_CAST text);
        element_close(out);
}

static void write_episode(xmlTextWriter *out, const Programme *programme) {
        if (programme->episode <= 0)
                return;
        g_autofree char *season = NULL, *zero_based = NULL;
        if (programme->season > 0) {
                season = g_strdup_printf("S%02d", programme->season);
                zero_based = g_strdup_printf("%d", programme->season - 1);
        }
        g_autofree char *onscreen = g_strdup_printf("%sE%02d", season ? season : "", programme->episode);
        g_autofree char *xmltv_ns = g_strdup_printf("%s.%d.0/1", zero_based ? zero_based : "", programme->episode - 1);
        episode_number(out, "onscreen", onscreen);
        episode_number(out, "xmltv_ns", xmltv_ns);
}

static void write_rating(xmlTextWriter *out, const Programme *programme) {
        g_autofree char *rating = guide_text(programme->rating);
        if (rating[0] == 0)
                return;
        element_open(out, "rating");
        attribute(out, "system", g_str_has_prefix(rating, "TV-") ? "VCHIP" : "MPAA");
        element(out, "value", rating);
        element_close(out);
}

static void write_programme(xmlTextWriter *out, const char *channel_id, const PlanView *view, const GuideEntry *entry) {
        const Programme *programme = entry->programme;
        g_autofree char *title = guide_text(programme->title);
        g_autofree char *channel_name = guide_channel_name(view->spec);
        element_open(out, "programme");
        time_attribute(out, "start", entry->start_utc_ms);
        time_attribute(out, "stop", entry->end_utc_ms);
        attribute(out, "channel", channel_id);
        element(out, "title", title[0] ? title : channel_name);
        text_element(out, "sub-title", programme->subtitle);
        text_element(out, "desc", programme->description);
        if (programme->year > 0) {
                g_autofree char *year = g_strdup_printf("%04d", programme->year);
                element(out, "date", year);
        }
        write_categories(out, programme);
        write_episode(out, programme);
        if (programme->asset_id) {
                element_open(out, "previously-shown"); /* a library holds nothing that is shown for the first time */
                element_close(out);
        }
        write_rating(out, programme);
        element_close(out);
}

static void write_programmes(xmlTextWriter *out, const Guide *guide, const PlanView *view) {
        g_autofree char *channel_id = guide_channel_id(guide, view->spec->number);
        unsigned index = 0;
        GuideEntry entry;
        while (guide_next(view, &index, &entry))
                write_programme(out, channel_id, view, &entry);
}

static void write_document(xmlTextWriter *out, const Guide *guide, GPtrArray *views, const char *base_url) {
        (void)xmlTextWriterSetIndent(out, 1);
        (void)xmlTextWriterStartDocument(out, NULL, "UTF-8", NULL);
        (void)xmlTextWriterWriteDTD(out, BAD_CAST "tv", NULL, BAD_CAST "xmltv.dtd", NULL);
        element_open(out, "tv");
        attribute(out, "generator-info-name", GENERATOR);
        for (unsigned i = 0; i < views->len; i++)
                write_channel(out, guide, ((const PlanView *)g_ptr_array_index(views, i))->spec, base_url);
        for (unsigned i = 0; i < views->len; i++)
                write_programmes(out, guide, g_ptr_array_index(views, i));
        (void)xmlTextWriterEndDocument(out);
}

GBytes *guide_xmltv_write(const Guide *guide, GPtrArray *views, const char *base_url) {
        xmlBuffer *buffer = xmlBufferCreate();
        xmlTextWriter *out = xmlNewTextWriterMemory(buffer, 0);
        g_assert(buffer && out);
        write_document(out, guide, views, base_url);
        xmlFreeTextWriter(out);
        GBytes *body = g_bytes_new(xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
        xmlBufferFree(buffer);
        return body;
}

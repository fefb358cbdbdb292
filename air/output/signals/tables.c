#include "air/output/signals/tables.h"

/* The multiplexer's own number for the stream, in the PAT; and of a network: ETSI TS 101 162 keeps those from 0xff00 on
 * for private use. */
#define STREAM_ID 1
#define NETWORK_ID 0xff01

#define PROVIDER "RetroVue"
#define MAX_TEXT_BYTES 240 /* so that a descriptor's length fits into its byte */

#define MJD_OF_1970 40587
#define DAY_S 86400

enum {
        TABLE_SDT = 0x42,
        TABLE_EIT = 0x4e,
        TABLE_TDT = 0x70,
        DESCRIPTOR_SERVICE = 0x48,
        DESCRIPTOR_SHORT_EVENT = 0x4d,
        SERVICE_H264_SD = 0x16,
        SERVICE_H264_HD = 0x19,
        NOT_RUNNING = 1,
        RUNNING = 4,
};

/* What stands behind the length of a long section. */
static void put_version(Section *section, uint16_t id, unsigned version, TablesPlace place, TablesPlace last) {
        section_put(section, id, 2);
        section_put(section, 0xc1 | (version & 0x1f) << 1, 1); /* valid now */
        section_put(section, place, 1);
        section_put(section, last, 1);
}

/* running_status, free_CA_mode, and the length of descriptors, which is known when they are closed. */
static size_t open_descriptors(Section *section, unsigned running) {
        section_put(section, (uint64_t)running << 13, 2);
        return section->size;
}

static void close_descriptors(Section *section, size_t at) {
        const size_t length = section->size - at;
        section->data[at - 2] |= (uint8_t)(length >> 8);
        section->data[at - 1] = (uint8_t)length;
}

void tables_sdt(Section *ret_section, const TablesService *service) {
        Section *section = ret_section;
        section_begin(section, TABLE_SDT, SECTION_LONG);
        put_version(section, STREAM_ID, 0, TABLES_PRESENT, TABLES_PRESENT);
        section_put(section, NETWORK_ID, 2);
        section_put(section, 0xff, 1);
        section_put(section, service->service_id, 2);
        section_put(section, 0xfd, 1); /* EIT: present and following, no schedule */
        const size_t descriptors = open_descriptors(section, RUNNING);
        section_put(section, DESCRIPTOR_SERVICE, 1);
        const size_t length = section_open(section);
        section_put(section, service->is_hd ? SERVICE_H264_HD : SERVICE_H264_SD, 1);
        section_put_text(section, PROVIDER, MAX_TEXT_BYTES);
        section_put_text(section, service->name, MAX_TEXT_BYTES - sizeof PROVIDER);
        section_close(section, length);
        close_descriptors(section, descriptors);
        section_end_with_crc(section);
}

static uint64_t bcd(int64_t n) {
        return (uint64_t)(n / 10 % 10 << 4 | n % 10);
}

static void put_span(Section *section, int64_t seconds) {
        section_put(section, bcd(seconds / 3600) << 16 | bcd(seconds / 60 % 60) << 8 | bcd(seconds % 60), 3);
}

static void put_time(Section *section, int64_t utc_s) {
        section_put(section, (uint64_t)(MJD_OF_1970 + utc_s / DAY_S), 2);
        put_span(section, utc_s % DAY_S);
}

static void put_event(Section *section, const TablesService *service, TablesPlace place, const TablesEvent *event) {
        const int64_t start_s = event->start_utc_ms / 1000, end_s = event->end_utc_ms / 1000;
        section_put(section, event->event_id, 2);
        put_time(section, start_s);
        put_span(section, end_s - start_s);
        const size_t descriptors = open_descriptors(section, place == TABLES_PRESENT ? RUNNING : NOT_RUNNING);
        section_put(section, DESCRIPTOR_SHORT_EVENT, 1);
        const size_t length = section_open(section);
        for (int i = 0; i < 3; i++)
                section_put(section, (uint8_t)service->language[i], 1);
        section_put_text(section, event->title, MAX_TEXT_BYTES);
        section_put_text(section, "", 0);
        section_close(section, length);
        close_descriptors(section, descriptors);
}

void tables_eit(Section *ret_section, const TablesService *service, unsigned version, TablesPlace place,
                const TablesEvent *event) {
        Section *section = ret_section;
        section_begin(section, TABLE_EIT, SECTION_LONG);
        put_version(section, service->service_id, version, place, TABLES_FOLLOWING);
        section_put(section, STREAM_ID, 2);
        section_put(section, NETWORK_ID, 2);
        section_put(section, TABLES_FOLLOWING, 1); /* the last section of the segment ... */
        section_put(section, TABLE_EIT, 1);        /* ... and the last table */
        if (event)
                put_event(section, service, place, event);
        section_end_with_crc(section);
}

void tables_tdt(Section *ret_section, int64_t utc_ms) {
        section_begin(ret_section, TABLE_TDT, SECTION_SHORT);
        put_time(ret_section, utc_ms / 1000);
        section_end(ret_section);
}

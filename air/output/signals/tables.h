/*
 * The tables by which a receiver shows a service by name, with what is on and what comes next, and sets its clock: SDT,
 * EIT present/following and TDT of ETSI EN 300 468, all "actual". Pure functions, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "air/output/signals/section.h"

#define TABLES_SDT_PID 0x11
#define TABLES_EIT_PID 0x12
#define TABLES_TDT_PID 0x14

typedef struct {
        uint16_t service_id;
        bool is_hd;
        const char *name;
        char language[4]; /* of titles: ISO 639-2 */
} TablesService;

typedef struct {
        uint16_t event_id;
        int64_t start_utc_ms, end_utc_ms; /* whole seconds, rounded down, are told */
        const char *title;
} TablesEvent;

typedef enum { TABLES_PRESENT, TABLES_FOLLOWING } TablesPlace;

void tables_sdt(Section *ret_section, const TablesService *service);
/* event NULL: nothing is known of it. version is that of both places; its low five bits count. */
void tables_eit(Section *ret_section, const TablesService *service, unsigned version, TablesPlace place,
                const TablesEvent *event);
void tables_tdt(Section *ret_section, int64_t utc_ms);

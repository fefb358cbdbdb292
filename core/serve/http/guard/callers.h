/* How much one address may ask (guard/callers.c), for http.c. */
#pragma once

#include "core/serve/http/http_private.h"

typedef enum { CALL_API, CALL_MEDIA, CALL_KINDS } CallKind;

typedef struct {
        int per_s[CALL_KINDS]; /* requests; 0 = no limit */
        int connections;       /* 0 = no limit */
} CallerLimits;

/* Any thread. */
Callers *callers_new(RvClock *clock, const CallerLimits *limits);
void callers_free(Callers *callers);
/* One request more; false: that is too many. */
bool callers_take(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES], CallKind kind);
/* Whether the request may go on; else it has been answered. */
bool callers_may_ask(Request *request, const char *path, enum MHD_Result *ret_result);
bool callers_may_connect(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES]);
/* +1: a connection has begun; -1: it has ended. */
void callers_note_connection(Callers *callers, const uint8_t address[PEER_ADDRESS_BYTES], int change);
/* In the log, now and then, how many were refused. */
void callers_tell(Callers *callers);

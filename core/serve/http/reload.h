/* What live.c (playlists) and reload.c (what of them is waited for: Low-Latency HLS) know of each other. */
#pragma once

#include "core/serve/http/http_private.h"

/* --- live.c, for reload.c ---------------------------------------------------------------------------------------- */

/* Fills in channel and streams; false: there is no such channel (live_no_channel then). */
bool live_find_channel(Request *request);
enum MHD_Result live_no_channel(Request *request);
/* Counts its client as a viewer. */
void live_seen(Request *request);
/* What the request is for. */
Hls *live_hls_of(Request *request);

/* --- reload.c ---------------------------------------------------------------------------------------------------- */

/* What a player asks of a playlist (RFC 8216bis, 6.2.5). */
typedef struct {
        bool blocks; /* until number and part are in it */
        bool delta;
        int64_t number, part;
} Reload;

/* False: nonsense, or what nobody can ask for yet (reload_refuse then). Without parts nothing is asked for. */
bool reload_read(Request *request, int64_t beginning, Reload *ret_reload);
enum MHD_Result reload_refuse(Request *request);
/* Whether it is to come; then reload_wait answers. */
bool reload_is_ahead(Request *request, int64_t beginning, const Reload *reload);
enum MHD_Result reload_wait(Request *request, int64_t beginning, const Reload *reload);
/* What a playlist says of the other rendition; takes the playlist, changes its etag. */
void reload_add_report(Request *request, HlsPlaylist *playlist);

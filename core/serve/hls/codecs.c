/* RFC 6381 codec names from the stream itself: profile, constraints and level stand in the SPS (ISO/IEC
 * 14496-10, 7.3.2.1), the audio object type in the ADTS header (ISO/IEC 13818-7, 6.2); MPEG audio is told by its header
 * (ISO/IEC 11172-3, 2.4.1.3), AC-3 by its sync word (A/52, 5.3.1). */
#include "core/serve/hls/hls_private.h"

#include <string.h>

#define NAL_SPS 7

/* Payload of a packet; NULL when it has none. */
static const uint8_t *payload_of(const uint8_t *packet, size_t *ret_size) {
        size_t at = 4 + (packet[3] & 0x20 ? 1 + (size_t)packet[4] : 0);
        if (!(packet[3] & 0x10) || at >= TS_PACKET)
                return NULL;
        *ret_size = TS_PACKET - at;
        return packet + at;
}

typedef enum { PES_OTHER, PES_VIDEO, PES_AUDIO } PesKind;

/* Of a stream_id (ISO/IEC 13818-1, table 2-22). AC-3 has a private stream's, or an extended one. */
static PesKind kind_of(uint8_t id) {
        if ((id & 0xf0) == 0xe0)
                return PES_VIDEO;
        return (id & 0xe0) == 0xc0 || id == 0xbd || id == 0xfd ? PES_AUDIO : PES_OTHER;
}

/* First byte after the PES header that starts here, if it is one of that kind; else NULL. */
static const uint8_t *pes_data(const uint8_t *payload, size_t size, PesKind kind, size_t *ret_size) {
        if (size < 9 || payload[0] || payload[1] || payload[2] != 1 || kind_of(payload[3]) != kind)
                return NULL;
        size_t header = 9 + (size_t)payload[8];
        if (header >= size)
                return NULL;
        *ret_size = size - header;
        return payload + header;
}

static bool find_sps(const uint8_t *data, size_t size, char *ret_name, size_t name_size) {
        for (size_t i = 0; i + 7 < size; i++) {
                if (data[i] || data[i + 1] || data[i + 2] != 1 || (data[i + 3] & 0x1f) != NAL_SPS)
                        continue;
                g_snprintf(ret_name, name_size, "avc1.%02x%02x%02x", data[i + 4], data[i + 5], data[i + 6]);
                return true;
        }
        return false;
}

static bool find_adts(const uint8_t *data, size_t size, char *ret_name, size_t name_size) {
        if (size < 7 || data[0] != 0xff || (data[1] & 0xf6) != 0xf0)
                return false;
        g_snprintf(ret_name, name_size, "mp4a.40.%d", (data[2] >> 6) + 1);
        return true;
}

/* Layers I, II and III are the object types 32, 33 and 34 (ISO/IEC 14496-3, 1.5.1.1). */
static bool find_mpeg_audio(const uint8_t *data, size_t size, char *ret_name, size_t name_size) {
        if (size < 4 || data[0] != 0xff || (data[1] & 0xe0) != 0xe0 || (data[1] & 0x06) == 0)
                return false;
        g_snprintf(ret_name, name_size, "mp4a.40.%d", 35 - (data[1] >> 1 & 3));
        return true;
}

static bool find_ac3(const uint8_t *data, size_t size, char *ret_name, size_t name_size) {
        if (size < 7 || data[0] != 0x0b || data[1] != 0x77)
                return false;
        g_strlcpy(ret_name, "ac-3", name_size);
        return true;
}

static void find_sound(const uint8_t *data, size_t size, char *ret_name, size_t name_size) {
        if (!find_adts(data, size, ret_name, name_size) && !find_mpeg_audio(data, size, ret_name, name_size))
                (void)find_ac3(data, size, ret_name, name_size);
}

/* INV-HLS-010 */
void hls_codecs_read(const uint8_t *packets, size_t size, char *ret_codecs, size_t codecs_size) {
        char video[24] = "", audio[24] = "";
        for (size_t at = 0; at + TS_PACKET <= size && !(video[0] && audio[0]); at += TS_PACKET) {
                size_t n, data_size;
                const uint8_t *payload = payload_of(packets + at, &n);
                if (!payload || !(packets[at + 1] & 0x40))
                        continue;
                const uint8_t *data = pes_data(payload, n, PES_VIDEO, &data_size);
                if (data && !video[0])
                        (void)find_sps(data, data_size, video, sizeof video);
                data = pes_data(payload, n, PES_AUDIO, &data_size);
                if (data && !audio[0])
                        find_sound(data, data_size, audio, sizeof audio);
        }
        g_snprintf(ret_codecs, codecs_size, "%s%s%s", video, video[0] && audio[0] ? "," : "", audio);
}

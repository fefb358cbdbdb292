/* RFC 6381 codec names from the stream itself: profile, constraints and level stand in the SPS (ISO/IEC
 * 14496-10, 7.3.2.1), the audio object type in the ADTS header (ISO/IEC 13818-7, 6.2). */
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

/* First byte after the PES header that starts here, or NULL. kind: the high bits of stream_id (0xe0 video, 0xc0 audio).
 */
static const uint8_t *pes_data(const uint8_t *payload, size_t size, uint8_t kind, size_t *ret_size) {
        if (size < 9 || payload[0] || payload[1] || payload[2] != 1 || (payload[3] & 0xe0) != (kind & 0xe0))
                return NULL;
        if ((kind & 0xf0) == 0xe0 && (payload[3] & 0xf0) != 0xe0)
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

void hls_codecs_read(const uint8_t *packets, size_t size, char *ret_codecs, size_t codecs_size) {
        char video[24] = "", audio[24] = "";
        for (size_t at = 0; at + TS_PACKET <= size && !(video[0] && audio[0]); at += TS_PACKET) {
                size_t n, data_size;
                const uint8_t *payload = payload_of(packets + at, &n);
                if (!payload || !(packets[at + 1] & 0x40))
                        continue;
                const uint8_t *data = pes_data(payload, n, 0xe0, &data_size);
                if (data && !video[0])
                        (void)find_sps(data, data_size, video, sizeof video);
                data = pes_data(payload, n, 0xc0, &data_size);
                if (data && !audio[0])
                        (void)find_adts(data, data_size, audio, sizeof audio);
        }
        g_snprintf(ret_codecs, codecs_size, "%s%s%s", video, video[0] && audio[0] ? "," : "", audio);
}

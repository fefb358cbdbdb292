/* The documents of an HDHomeRun network tuner, so that programs that know these devices (Plex, Jellyfin, Emby,
 * Channels) take us for one: its HTTP interface as Silicondust publishes it. /auto/v<number> is live.c's. */
#include <string.h>

#include "core/serve/http/http_private.h"

/* Of a model that does not offer to transcode: clients that believe it does ask with parameters. */
#define FIRMWARE_NAME "hdhomerun5_atsc"
#define FIRMWARE_VERSION "20240425"

/* The digits at even places count as the table says; all of them together come to nothing. */
uint32_t http_tuner_id(uint32_t number) {
        static const uint8_t table[] = {0xa, 0x5, 0xf, 0x6, 0x7, 0xc, 0x1, 0xb, 0x9, 0x2, 0x8, 0xd, 0x4, 0x3, 0xe, 0x0};
        uint32_t sum = 0;
        for (unsigned shift = 4; shift < 32; shift += 4) {
                const uint32_t digit = (number >> shift) & 0xf;
                sum ^= shift % 8 == 4 ? table[digit] : digit;
        }
        return (number & ~UINT32_C(0xf)) | sum;
}

static json_t *discovery(Request *request) {
        const HttpTuner *tuner = &request->http->options.tuner;
        g_autofree char *base = request_base_url(request);
        g_autofree char *lineup = g_strconcat(base, "/lineup.json", NULL);
        char id[9];
        g_snprintf(id, sizeof id, "%08X", tuner->device_id);
        return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i}", "FriendlyName", tuner->name, "Manufacturer",
                         "RetroVue - Silicondust", "ModelNumber", tuner->model, "FirmwareName", FIRMWARE_NAME,
                         "FirmwareVersion", FIRMWARE_VERSION, "DeviceID", id, "DeviceAuth", "retrovue", "BaseURL", base,
                         "LineupURL", lineup, "TunerCount", tuner->count);
}

enum MHD_Result tuner_discover(Request *request) {
        return respond_json(request, MHD_HTTP_OK, discovery(request));
}

/* INV-HTTP-011 */
enum MHD_Result tuner_lineup(Request *request) {
        g_autoptr(GPtrArray) views = plan_board_views(request->http->options.board);
        if (views->len == 0)
                return api_ready(request);
        g_autofree char *base = request_base_url(request);
        json_t *lineup = json_array();
        for (unsigned i = 0; i < views->len; i++) {
                const ChannelSpec *spec = ((PlanView *)g_ptr_array_index(views, i))->spec;
                g_autofree char *number = g_strdup_printf("%d", spec->number);
                g_autofree char *sound = g_ascii_strup(audio_codec_name(spec->format.audio_codec), -1);
                g_autofree char *url = g_strdup_printf("%s/auto/v%s", base, number);
                json_array_append_new(lineup, json_pack("{s:s,s:s,s:s,s:s,s:i,s:s}", "GuideNumber", number, "GuideName",
                                                        spec->name, "VideoCodec", "H264", "AudioCodec", sound, "HD",
                                                        spec->format.height >= 720, "URL", url));
        }
        return respond_json(request, MHD_HTTP_OK, lineup);
}

/* There is nothing to be looked for: the lineup is always the whole truth. */
enum MHD_Result tuner_status(Request *request) {
        return respond_json(request, MHD_HTTP_OK,
                            json_pack("{s:i,s:i,s:s,s:[s]}", "ScanInProgress", 0, "ScanPossible", 1, "Source", "Cable",
                                      "SourceList", "Cable"));
}

enum MHD_Result tuner_scan(Request *request) {
        g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
        return respond_bytes_as(request, MHD_HTTP_OK, nothing, &(Representation){.type = "text/plain"});
}

/* UPnP Device Architecture 1.0, 2.1. */
enum MHD_Result tuner_device(Request *request) {
        const HttpTuner *tuner = &request->http->options.tuner;
        g_autofree char *base = request_base_url(request);
        g_autofree char *text = g_markup_printf_escaped(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<root xmlns=\"urn:schemas-upnp-org:device-1-0\">\n"
                "  <specVersion><major>1</major><minor>0</minor></specVersion>\n"
                "  <URLBase>%s</URLBase>\n"
                "  <device>\n"
                "    <deviceType>urn:schemas-upnp-org:device:MediaServer:1</deviceType>\n"
                "    <friendlyName>%s</friendlyName>\n"
                "    <manufacturer>RetroVue - Silicondust</manufacturer>\n"
                "    <modelName>%s</modelName>\n"
                "    <modelNumber>%s</modelNumber>\n"
                "    <serialNumber>%08X</serialNumber>\n"
                "    <UDN>uuid:2f70c0d7-90a3-4429-8275-cbee%08x</UDN>\n"
                "  </device>\n"
                "</root>\n",
                base, tuner->name, tuner->model, tuner->model, tuner->device_id, tuner->device_id);
        g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
        return respond_bytes_as(request, MHD_HTTP_OK, body,
                                &(Representation){.type = "application/xml; charset=utf-8", .is_text = true});
}

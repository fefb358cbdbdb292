/* The channel list as extended M3U: what Jellyfin, Kodi, TiviMate, Channels and VLC read of it. */
#include "core/serve/guide/guide_private.h"

#define DEFAULT_GROUP "RetroVue"

static void write_attribute(GString *out, const char *key, const char *value) {
        g_autofree char *text = guide_text(value);
        g_strdelimit(text, "\"", '\'');
        g_string_append_printf(out, " %s=\"%s\"", key, text);
}

static void write_kodi(GString *out, GuideStream stream) {
        const char *type = stream & GUIDE_STREAM_HLS ? "application/vnd.apple.mpegurl" : "video/mp2t";
        g_string_append_printf(out,
                               "#KODIPROP:inputstream=inputstream.ffmpegdirect\n"
                               "#KODIPROP:inputstream.ffmpegdirect.is_realtime_stream=true\n"
                               "#KODIPROP:mimetype=%s\n",
                               type);
}

static void write_channel(GString *out, const Guide *guide, const ChannelSpec *spec, const char *base_url,
                          GuideStream stream) {
        g_autofree char *id = guide_channel_id(guide, spec->number);
        g_autofree char *name = guide_channel_name(spec);
        g_autofree char *number = g_strdup_printf("%d", spec->number);
        g_autofree char *logo = g_strdup_printf("%s/logo/%s.png", base_url, spec->id);
        g_string_append(out, "#EXTINF:-1");
        write_attribute(out, "tvg-id", id);
        write_attribute(out, "channel-id", id);
        write_attribute(out, "CUID", id);
        write_attribute(out, "channel-number", number);
        write_attribute(out, "tvg-chno", number);
        write_attribute(out, "tvg-name", name);
        write_attribute(out, "tvg-logo", logo);
        write_attribute(out, "group-title", spec->group ? spec->group : DEFAULT_GROUP);
        write_attribute(out, "tvc-stream-vcodec", "h264");
        write_attribute(out, "tvc-stream-acodec", audio_codec_name(spec->format.audio_codec));
        g_string_append_printf(out, ",%s\n", name);
        if (stream & GUIDE_STREAM_KODI)
                write_kodi(out, stream);
        g_string_append_printf(out, "%s/channel/%s%s\n", base_url, spec->id,
                               stream & GUIDE_STREAM_HLS ? "/master.m3u8" : ".ts");
}

GBytes *guide_m3u_write(const Guide *guide, GPtrArray *views, const char *base_url, GuideStream stream) {
        GString *out = g_string_sized_new(4096);
        g_string_append(out, "#EXTM3U");
        g_autofree char *xmltv = g_strdup_printf("%s/guide.xml", base_url);
        write_attribute(out, "url-tvg", xmltv);
        write_attribute(out, "x-tvg-url", xmltv);
        g_string_append_c(out, '\n');
        for (unsigned i = 0; i < views->len; i++)
                write_channel(out, guide, ((const PlanView *)g_ptr_array_index(views, i))->spec, base_url, stream);
        return g_string_free_to_bytes(out);
}

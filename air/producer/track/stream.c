#include "air/producer/track/stream.h"

#include <glib.h>
#include <libavcodec/avcodec.h>

static const struct {
        int disposition;
        unsigned flag;
} dispositions[] = {
        {AV_DISPOSITION_DEFAULT, TRACK_DEFAULT},          {AV_DISPOSITION_FORCED, TRACK_FORCED},
        {AV_DISPOSITION_COMMENT, TRACK_COMMENTARY},       {AV_DISPOSITION_HEARING_IMPAIRED, TRACK_IMPAIRED},
        {AV_DISPOSITION_VISUAL_IMPAIRED, TRACK_IMPAIRED}, {AV_DISPOSITION_DESCRIPTIONS, TRACK_IMPAIRED},
        {AV_DISPOSITION_CAPTIONS, TRACK_IMPAIRED},
};

static const char *said(const AVStream *stream, const char *key) {
        const AVDictionaryEntry *entry = av_dict_get(stream->metadata, key, NULL, 0);
        return entry ? entry->value : NULL;
}

Track track_of_stream(const AVStream *stream) {
        const AVCodecDescriptor *codec = avcodec_descriptor_get(stream->codecpar->codec_id);
        Track track = {.channels = stream->codecpar->ch_layout.nb_channels};
        (void)track_language(said(stream, "language"), track.language);
        for (size_t i = 0; i < G_N_ELEMENTS(dispositions); i++)
                if (stream->disposition & dispositions[i].disposition)
                        track.flags |= dispositions[i].flag;
        track.flags |= track_title_flags(said(stream, "title"));
        if (codec && codec->props & AV_CODEC_PROP_BITMAP_SUB)
                track.flags |= TRACK_BITMAP;
        return track;
}

int track_sound_of(AVFormatContext *format, char *const *wishes) {
        g_autofree Track *tracks = g_new(Track, format->nb_streams);
        g_autofree int *indexes = g_new(int, format->nb_streams);
        size_t n = 0;
        for (unsigned i = 0; i < format->nb_streams; i++) {
                const AVCodecParameters *codec = format->streams[i]->codecpar;
                if (codec->codec_type != AVMEDIA_TYPE_AUDIO || !avcodec_find_decoder(codec->codec_id))
                        continue;
                tracks[n] = track_of_stream(format->streams[i]);
                indexes[n++] = (int)i;
        }
        const int chosen = track_choose_sound(tracks, n, wishes);
        return chosen >= 0 ? indexes[chosen] : av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
}

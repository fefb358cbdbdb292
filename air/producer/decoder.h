/* Decoder: the decoded frames of one stream of a Demux, in presentation order, past whatever cannot be decoded. */
#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>

#include "air/producer/demux.h"

typedef struct Decoder Decoder;

typedef enum {
        DECODER_FRAME,
        DECODER_NOT_NEAR, /* see DEMUX_NOT_NEAR */
        DECODER_END,
} DecoderResult;

/* NULL and *fault when the stream's codec is not to be had. demux is borrowed. */
Decoder *decoder_new(Demux *demux, DemuxStream which, const atomic_bool *abort, Fault *fault);
void decoder_free(Decoder *decoder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Decoder, decoder_free)

DecoderResult decoder_next(Decoder *decoder, AVFrame *into);
/* After a seek: nothing of what came before is remembered. */
void decoder_flush(Decoder *decoder);
/* Until the next flush, pictures before pts that no other picture needs may be left out. */
void decoder_skip_before(Decoder *decoder, int64_t pts);

const AVCodecContext *decoder_codec(const Decoder *decoder);
/* Packets and frames that could not be decoded so far. */
unsigned decoder_damaged(const Decoder *decoder);

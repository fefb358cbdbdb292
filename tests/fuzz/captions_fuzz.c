/* Triplets of any pictures, and seams anywhere -> what goes out is well-formed, and comes to an end. */
#include <glib.h>

#include "air/captions/captions.h"
#include "tests/fuzz/fuzz.h"

static const RvRational RATES[] = {{24000, 1001}, {25, 1}, {30000, 1001}, {50, 1}, {60, 1}, {10, 1}, {90, 1}, {120, 1}};

static void judge(const CaptionData *data, const CaptionShape *shape) {
        unsigned n_pairs = 0;
        g_assert(data->size == 0 || data->size == shape->n_triplets * CAPTIONS_TRIPLET);
        for (size_t at = 0; at < data->size; at += CAPTIONS_TRIPLET) {
                g_assert((data->bytes[at] & 0xf8) == 0xf8);
                n_pairs += data->bytes[at] == 0xfc || data->bytes[at] == 0xfd;
        }
        g_assert(n_pairs <= 2);
}

/* A picture: how many triplets (the upper bit: a seam comes first), and their bytes, as far as there are any. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 2)
                return 0;
        const RvRational rate = RATES[data[0] % G_N_ELEMENTS(RATES)];
        const CaptionShape shape = caption_shape(rate);
        CaptionQueue queue;
        CaptionGuard guard;
        CaptionData out;
        int64_t tick = 0;
        caption_queue_init(&queue, rate, data[1] & 1 ? CAPTIONS_JOIN : CAPTIONS_CONTINUE);
        caption_guard_init(&guard, rate);
        for (size_t at = 2; at < size; tick++) {
                const CaptionSeam seam = data[at] & 0x80 ? CAPTIONS_ERASE : CAPTIONS_GO_ON;
                const size_t n = MIN(data[at] & 0x7fu, size - at - 1);
                caption_queue_push(&queue, data + at + 1, n);
                at += n + 1;
                caption_queue_pull(&queue, tick, &out);
                judge(&out, &shape);
                caption_guard_pass(&guard, tick, seam, &out);
                judge(&out, &shape);
        }
        for (int i = 0; i < 4000 && (i == 0 || out.size > 0); i++, tick++) {
                out.size = 0;
                caption_guard_pass(&guard, tick, i ? CAPTIONS_GO_ON : CAPTIONS_ERASE, &out);
                judge(&out, &shape);
        }
        g_assert(out.size == 0);
        return 0;
}

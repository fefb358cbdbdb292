/* Bytes from the engine's socket, cut in two places -> sinks: whole packets, frames, no harm. */
#include <glib.h>

#include "core/play/intake/intake.h"
#include "tests/fuzz/fuzz.h"

static void random_access(void *user, int64_t frame) {
        (*(unsigned *)user)++;
}

static void packets(void *user, const uint8_t *data, size_t size) {
        const unsigned *entries = user;
        g_assert(*entries > 0 && size > 0 && size % TS_PACKET == 0);
        for (size_t at = 0; at < size; at += TS_PACKET)
                g_assert(data[at] == 0x47);
}

static void end(void *user) {
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        unsigned entries = 0;
        IntakeSink sink = {.random_access = random_access, .packets = packets, .end = end, .user = &entries};
        g_autoptr(IntakeParser) parser = intake_parser_new((RvRational){30000, 1001}, &sink, 1);
        size_t first = size / 3, second = size / 2;
        intake_parser_push(parser, data, first);
        intake_parser_push(parser, data + first, second - first);
        intake_parser_cut(parser);
        intake_parser_push(parser, data + second, size - second);
        intake_parser_end(parser);
        return 0;
}

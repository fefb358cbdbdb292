/* One field of line 21: pairs in their order, control pairs directly followed by their repetition or not at all. */
#include <glib.h>
#include <string.h>

#include "air/captions/private.h"

static uint8_t with_parity(int byte) {
        return (uint8_t)(__builtin_parity((unsigned)byte) ? byte : byte | 0x80);
}

uint16_t pair_of_command(int field, int channel, PairCommand command) {
        return (uint16_t)(with_parity(0x14 | channel << 3 | field) << 8 | with_parity(command));
}

int pair_command(uint16_t pair) {
        const bool miscellaneous = (pair & 0x7600) == 0x1400 && (pair & 0x70) == 0x20;
        return miscellaneous ? pair & 0x7f : 0;
}

void field_init(CaptionField *field, CaptionEntry entry) {
        const bool strict = entry == CAPTIONS_JOIN;
        memset(field, 0, sizeof(*field));
        field->strict = strict;
        field->talker = CAPTION_NOBODY;
}

static bool sets_style(int command) {
        switch (command) {
        case COMMAND_RESUME_LOADING:
        case COMMAND_RESUME_DIRECT:
        case COMMAND_TEXT_RESTART:
        case COMMAND_RESUME_TEXT:
                return true;
        default:
                return command >= COMMAND_ROLL_UP_2 && command <= COMMAND_ROLL_UP_4;
        }
}

static bool admit_control(CaptionField *field, uint16_t pair) {
        const int channel = pair_channel(pair), command = pair_command(pair);
        field->talker = channel;
        if (sets_style(command))
                field->styled[channel] = true;
        return field->styled[channel] || command == COMMAND_ERASE_DISPLAYED || command == COMMAND_ERASE_NON_DISPLAYED;
}

/* Service packets (XDS): odd bytes begin one, even ones go on with it, 0x0f ends it. */
static bool admit_service(CaptionField *field, int first) {
        const bool admitted = field->has_xds || (first & 1 && first != 0x0f);
        field->has_xds = admitted && first != 0x0f;
        field->talker = field->has_xds ? CAPTION_XDS : CAPTION_NOBODY;
        return admitted;
}

/* INV-CAPTIONS-006: whose beginning was missed must not be shown in the style of what was on before. */
static bool admit(CaptionField *field, int number, uint16_t pair) {
        const int first = pair >> 8 & 0x7f;
        if (pair_is_control(pair))
                return admit_control(field, pair) || !field->strict;
        if (first > 0 && first < 0x10)
                return (number == 1 && admit_service(field, first)) || !field->strict;
        if (field->talker == CAPTION_XDS)
                return true;
        return !field->strict || (field->talker != CAPTION_NOBODY && field->styled[field->talker]);
}

static bool append(CaptionField *field, uint16_t pair) {
        if (field->n == CAPTION_PAIRS)
                return false; /* INV-CAPTIONS-005 */
        field->pairs[(field->first + field->n++) % CAPTION_PAIRS] = pair;
        return true;
}

bool field_put(CaptionField *field, int number, uint16_t pair) {
        const bool again = pair_is_control(pair) && pair == field->last_put;
        if (pair_is_null(pair) || !admit(field, number, pair)) {
                field->after_null = true;
                return true;
        }
        const bool repeats = again && !field->after_null;
        const bool is_new = again && field->after_null; /* and must not be taken for a repetition */
        field->after_null = false;
        field->last_put = pair;
        if (repeats && field->sent_alone) {
                field->sent_alone = false;
                field->last_put = 0;
                return true;
        }
        field->sent_alone = false;
        return (!is_new || append(field, PAIR_NULL)) && append(field, pair);
}

/* INV-CAPTIONS-003: the repetition follows in the next pair of the field, or there is none. */
uint16_t field_take(CaptionField *field) {
        const uint16_t pair = field->n > 0 ? field->pairs[field->first] : PAIR_NULL;
        const bool begins = pair_is_control(pair) && pair != field->sent_first;
        const bool lone = begins && field->n == 1 && !field->after_null;
        field->sent_first = 0;
        if (field->n == 0 || (lone && field->held_slots++ < CAPTION_HOLD_SLOTS))
                return PAIR_NULL;
        field->sent_alone = lone;
        field->held_slots = 0;
        field->sent_first = begins ? pair : 0;
        field->first = (field->first + 1) % CAPTION_PAIRS;
        field->n--;
        return pair;
}

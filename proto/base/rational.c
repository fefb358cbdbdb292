#include "proto/base/rational.h"

#include <glib.h>

#define MAX_FRAMES_PER_SECOND 240

static int32_t greatest_common_divisor(int32_t a, int32_t b) {
        g_assert(a > 0 && b > 0);
        while (b != 0) {
                const int32_t rest = a % b;
                a = b;
                b = rest;
        }
        return a;
}

/* Digits only, 1..INT32_MAX; *text moves behind them. */
static bool take_number(const char **text, int32_t *ret_number) {
        int64_t number = 0;
        const char *p = *text;
        for (; g_ascii_isdigit(*p); p++) {
                number = number * 10 + (*p - '0');
                if (number > INT32_MAX)
                        return false;
        }
        if (p == *text || number == 0)
                return false;
        *text = p;
        *ret_number = (int32_t)number;
        return true;
}

bool rv_rational_parse(const char *text, RvRational *ret_rate) {
        int32_t num, den = 1;
        if (!take_number(&text, &num))
                return false;
        if (*text == '/') {
                text++;
                if (!take_number(&text, &den))
                        return false;
        }
        if (*text != '\0' || num < den || num > (int64_t)den * MAX_FRAMES_PER_SECOND)
                return false;

        const int32_t divisor = greatest_common_divisor(num, den);
        *ret_rate = (RvRational){.num = num / divisor, .den = den / divisor};
        return true;
}

/* Division in C rounds towards zero; the exact quotient lies below it when the signs differ. INV-BASE-001 */
static int64_t quotient(__int128 product, int64_t divisor, bool up) {
        g_assert(divisor > 0);
        __int128 q = product / divisor;
        const __int128 rest = product % divisor;
        if (up && rest > 0)
                q++;
        else if (!up && rest < 0)
                q--;
        g_assert(q >= INT64_MIN && q <= INT64_MAX);
        return (int64_t)q;
}

int64_t rv_mul_div_floor(int64_t a, int64_t b, int64_t c) {
        return quotient((__int128)a * b, c, false); /* INV-BASE-001 */
}

int64_t rv_mul_div_ceil(int64_t a, int64_t b, int64_t c) {
        return quotient((__int128)a * b, c, true); /* INV-BASE-001 */
}

int64_t rv_tick_at_ms(int64_t delta_ms, RvRational rate) {
        return rv_mul_div_ceil(delta_ms, rate.num, (int64_t)rate.den * 1000); /* INV-BASE-002 */
}

int64_t rv_tick_to_ms(int64_t tick, RvRational rate) {
        return rv_mul_div_floor(tick, (int64_t)rate.den * 1000, rate.num);
}

int64_t rv_tick_to_ns(int64_t tick, RvRational rate) {
        return rv_mul_div_floor(tick, (int64_t)rate.den * 1000000000, rate.num);
}

int64_t rv_tick_to_sample(int64_t tick, RvRational rate, int32_t sample_rate_hz) {
        return rv_mul_div_floor(tick, (int64_t)rate.den * sample_rate_hz, rate.num);
}

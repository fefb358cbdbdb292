#include "proto/base/error.h"

#include <stdarg.h>

G_DEFINE_QUARK(rv - error - quark, rv_error)

void rv_error_set_errno(GError **error, int errnum, const char *what_format, ...) {
        if (!error)
                return;
        va_list args;
        va_start(args, what_format);
        g_autofree char *what = g_strdup_vprintf(what_format, args);
        va_end(args);
        g_set_error(error, RV_ERROR, RV_ERROR_IO, "%s: %s", what, g_strerror(errnum));
}

/* Fault: why material cannot be used; a code for machines and a sentence for people. */
#pragma once

#include <glib.h>
#include <stdarg.h>

typedef struct {
        char code[48]; /* UPPER_CASE; empty: no fault */
        char detail[160];
} Fault;

static inline G_GNUC_PRINTF(3, 4) void fault_set(Fault *fault, const char *code, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        g_strlcpy(fault->code, code, sizeof(fault->code));
        (void)g_vsnprintf(fault->detail, sizeof(fault->detail), format, arguments);
        va_end(arguments);
}

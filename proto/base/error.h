/*
 * Operational failures: a GError of this domain, context added on the way up with g_prefix_error, logged once by
 * whoever gives up. Expected outcomes are enums of their nouns, bugs abort, faults in user input go to Diag.
 */
#pragma once

#include <glib.h>

#define RV_ERROR (rv_error_quark())
GQuark rv_error_quark(void);

typedef enum {
        RV_ERROR_FAILED,      /* none of the below */
        RV_ERROR_IO,          /* the operating system refused; errno's text is in the message */
        RV_ERROR_NOT_FOUND,   /* what was named does not exist */
        RV_ERROR_INVALID,     /* the input is not what it must be */
        RV_ERROR_UNAVAILABLE, /* for now: the peer or the resource is gone, a retry may succeed */
        RV_ERROR_LIMIT,       /* a bound given at construction would be exceeded */
} RvErrorCode;

/* Sets RV_ERROR_IO with "<what>: <strerror(errnum)>". */
void rv_error_set_errno(GError **error, int errnum, const char *what_format, ...) G_GNUC_PRINTF(3, 4);

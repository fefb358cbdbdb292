#include "tests/support/pgs.h"

#include <glib.h>
#include <stdbool.h>

#include "tests/support/cmocka.h"

enum { PALETTE = 0x14, OBJECT = 0x15, PRESENTATION = 0x16, WINDOW = 0x17, END = 0x80 };

/* Of one segment's length field. */
#define MOST_OBJECT_BYTES 65000

static void put(GByteArray *into, guint64 value, int bytes) {
        while (bytes-- > 0) {
                const guint8 byte = (guint8)(value >> (8 * bytes));
                g_byte_array_append(into, &byte, 1);
        }
}

static void put_segment(GByteArray *into, int type, int at_ms, GByteArray *take_body) {
        put(into, 0x5047, 2); /* "PG" */
        put(into, (guint64)at_ms * 90, 4);
        put(into, 0, 4);
        put(into, (guint64)type, 1);
        put(into, take_body->len, 2);
        g_byte_array_append(into, take_body->data, take_body->len);
        g_byte_array_free(take_body, TRUE);
}

static void put_presentation(GByteArray *into, const PgsPicture *picture, int at_ms, bool shows) {
        GByteArray *body = g_byte_array_new();
        put(body, (guint64)picture->canvas_width, 2);
        put(body, (guint64)picture->canvas_height, 2);
        put(body, 0x10, 1);
        put(body, shows ? 0 : 1, 2);
        put(body, shows ? 0x80 : 0, 1); /* a new epoch */
        put(body, 0, 2);
        put(body, shows ? 1 : 0, 1);
        if (shows) {
                put(body, 0, 4); /* object 0 in window 0 */
                put(body, (guint64)picture->x, 2);
                put(body, (guint64)picture->y, 2);
        }
        put_segment(into, PRESENTATION, at_ms, body);
}

static void put_window(GByteArray *into, const PgsPicture *picture, int at_ms) {
        GByteArray *body = g_byte_array_new();
        put(body, 1, 1);
        put(body, 0, 1);
        put(body, (guint64)picture->x, 2);
        put(body, (guint64)picture->y, 2);
        put(body, (guint64)picture->width, 2);
        put(body, (guint64)picture->height, 2);
        put_segment(into, WINDOW, at_ms, body);
}

/* Colour 1: white, opaque. */
static void put_palette(GByteArray *into, int at_ms) {
        GByteArray *body = g_byte_array_new();
        put(body, 0, 2);
        put(body, 0x01EB8080FF, 5);
        put_segment(into, PALETTE, at_ms, body);
}

/* Each row is one run of colour 1, and the end of the line. */
static void put_object(GByteArray *into, const PgsPicture *picture) {
        GByteArray *runs = g_byte_array_new();
        for (int y = 0; y < picture->height && runs->len < MOST_OBJECT_BYTES; y++) {
                put(runs, 0x00C00001 | (guint64)(picture->width & 0x3FFF) << 8, 4);
                put(runs, 0, 2);
        }
        GByteArray *body = g_byte_array_new();
        put(body, 0, 3);
        put(body, 0xC0, 1);
        put(body, runs->len + 4, 3);
        put(body, (guint64)picture->width, 2);
        put(body, (guint64)picture->height, 2);
        g_byte_array_append(body, runs->data, runs->len);
        g_byte_array_free(runs, TRUE);
        put_segment(into, OBJECT, picture->start_ms, body);
}

static void put_nothing(GByteArray *into, const PgsPicture *picture, int at_ms) {
        put_presentation(into, picture, at_ms, false);
        put_window(into, picture, at_ms);
        put_segment(into, END, at_ms, g_byte_array_new());
}

/* Begins at 0, where programs believe that a file begins. */
void pgs_write(const char *path, const PgsPicture *picture) {
        g_autoptr(GByteArray) all = g_byte_array_new();
        put_nothing(all, picture, 0);
        put_presentation(all, picture, picture->start_ms, true);
        put_window(all, picture, picture->start_ms);
        put_palette(all, picture->start_ms);
        put_object(all, picture);
        put_segment(all, END, picture->start_ms, g_byte_array_new());
        put_nothing(all, picture, picture->end_ms);
        assert_true(g_file_set_contents(path, (const char *)all->data, (gssize)all->len, NULL));
}

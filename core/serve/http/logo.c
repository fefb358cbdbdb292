/* A channel's logo: the picture that its file names, else one drawn here, so that no list of channels has holes. */
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/serve/http/http_private.h"
#include "proto/base/hash.h"

#define MAX_LOGO_BYTES (2 * 1024 * 1024)
#define ETAG_DIGITS 32

/* The drawn one: its channel's number in digits of 5 by 7 blocks, on a ground whose colour tells channels apart. */
#define WIDTH 320
#define HEIGHT 180
#define BLOCK 14
#define DIGIT_COLUMNS 5
#define DIGIT_ROWS 7
#define DIGIT_STEP (DIGIT_COLUMNS + 1)
#define MAX_DIGITS 4

static const char *const digits[10][DIGIT_ROWS] = {
        {" ### ", "#   #", "#  ##", "# # #", "##  #", "#   #", " ### "},
        {"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "},
        {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"},
        {" ### ", "#   #", "    #", "  ## ", "    #", "#   #", " ### "},
        {"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "},
        {"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "},
        {" ### ", "#    ", "#    ", "#### ", "#   #", "#   #", " ### "},
        {"#####", "    #", "   # ", "  #  ", "  #  ", "  #  ", "  #  "},
        {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "},
        {" ### ", "#   #", "#   #", " ####", "    #", "    #", " ### "},
};

static const uint8_t grounds[][3] = {{0x1f, 0x3a, 0x5f}, {0x5c, 0x1f, 0x3a}, {0x1f, 0x5c, 0x46}, {0x4a, 0x35, 0x6b},
                                     {0x6b, 0x46, 0x1f}, {0x1f, 0x55, 0x66}, {0x5f, 0x2a, 0x1f}, {0x38, 0x4a, 0x1f}};

/* --- drawing: one byte a pixel, 1 = ink; each row after a byte that says it is not filtered (PNG, 9.2)
 * ----------------- */

#define ROW_BYTES (WIDTH + 1)

static void draw_block(uint8_t *rows, int left, int top) {
        for (int y = top; y < top + BLOCK; y++)
                memset(rows + (ptrdiff_t)y * ROW_BYTES + 1 + left, 1, BLOCK);
}

static void draw_digit(uint8_t *rows, int digit, int left, int top) {
        for (int row = 0; row < DIGIT_ROWS; row++)
                for (int column = 0; column < DIGIT_COLUMNS; column++)
                        if (digits[digit][row][column] == '#')
                                draw_block(rows, left + column * BLOCK, top + row * BLOCK);
}

static void draw_number(uint8_t *rows, int32_t number) {
        char text[MAX_DIGITS + 1];
        g_snprintf(text, sizeof text, "%d", CLAMP(number, 0, 9999));
        int n = (int)strlen(text);
        int left = (WIDTH - (n * DIGIT_STEP - 1) * BLOCK) / 2, top = (HEIGHT - DIGIT_ROWS * BLOCK) / 2;
        for (int i = 0; i < n; i++)
                draw_digit(rows, text[i] - '0', MAX(0, left) + i * DIGIT_STEP * BLOCK, top);
}

static void append_u32(GByteArray *out, uint32_t value) {
        uint32_t big_endian = GUINT32_TO_BE(value);
        g_byte_array_append(out, (const uint8_t *)&big_endian, sizeof big_endian);
}

static void append_chunk(GByteArray *out, const char type[4], const void *data, size_t size) {
        append_u32(out, (uint32_t)size);
        g_byte_array_append(out, (const uint8_t *)type, 4);
        g_byte_array_append(out, data, (guint)size);
        uint32_t crc = (uint32_t)crc32(0, out->data + out->len - size - 4, (uInt)size + 4);
        append_u32(out, crc);
}

GBytes *logo_draw(int32_t number) {
        static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
        static const uint8_t header[] = {0, 0, WIDTH >> 8, WIDTH & 0xff, 0, 0, HEIGHT >> 8, HEIGHT & 0xff, 8, 3,
                                         0, 0, 0};
        const uint8_t *ground = grounds[(unsigned)number % G_N_ELEMENTS(grounds)];
        const uint8_t palette[] = {ground[0], ground[1], ground[2], 0xf4, 0xf1, 0xe8};
        g_autofree uint8_t *rows = g_malloc0((size_t)HEIGHT * ROW_BYTES);
        draw_number(rows, number);
        uLongf size = compressBound((uLong)HEIGHT * ROW_BYTES);
        g_autofree uint8_t *packed = g_malloc(size);
        int result = compress(packed, &size, rows, (uLong)HEIGHT * ROW_BYTES);
        g_assert(result == Z_OK);
        GByteArray *out = g_byte_array_new();
        g_byte_array_append(out, signature, sizeof signature);
        append_chunk(out, "IHDR", header, sizeof header);
        append_chunk(out, "PLTE", palette, sizeof palette);
        append_chunk(out, "IDAT", packed, size);
        append_chunk(out, "IEND", NULL, 0);
        return g_byte_array_free_to_bytes(out);
}

/* --- serving ----------------------------------------------------------------------------------------------------- */

/* The operator's picture; NULL when it cannot be had. */
static GBytes *read_picture(const char *path) {
        struct stat info;
        char *data;
        size_t size;
        if (!path || stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > MAX_LOGO_BYTES ||
            !g_file_get_contents(path, &data, &size, NULL))
                return NULL;
        return g_bytes_new_take(data, size);
}

static const char *picture_type(const uint8_t *data, size_t size) {
        if (size > 3 && memcmp(data, "\xff\xd8\xff", 3) == 0)
                return "image/jpeg";
        if (size > 12 && memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WEBP", 4) == 0)
                return "image/webp";
        if (size > 4 && memcmp(data, "\x89PNG", 4) == 0)
                return "image/png";
        return size > 0 && data[0] == '<' ? "image/svg+xml" : NULL;
}

enum MHD_Result logo_picture(Request *request) {
        g_autoptr(PlanView) view = plan_board_view(request->http->options.board, request->argument);
        if (!view)
                return respond_error(request, MHD_HTTP_NOT_FOUND, "no_such_channel", 0, "there is no channel \"%s\"",
                                     request->argument);
        g_autoptr(GBytes) body = read_picture(view->spec->logo);
        size_t size = 0;
        const uint8_t *data = body ? g_bytes_get_data(body, &size) : NULL;
        Representation kind = {.type = data ? picture_type(data, size) : NULL,
                               .cache_control = "public, max-age=3600",
                               .policy = "default-src 'none'; style-src 'unsafe-inline'"};
        if (!kind.type) {
                g_clear_pointer(&body, g_bytes_unref);
                body = logo_draw(view->spec->number);
                data = g_bytes_get_data(body, &size);
                kind.type = "image/png";
        }
        char hex[RV_SHA256_HEX_SIZE], etag[ETAG_DIGITS + 3];
        rv_sha256_hex(data, size, hex);
        g_snprintf(etag, sizeof etag, "\"%.*s\"", ETAG_DIGITS, hex);
        kind.etag = etag;
        return respond_bytes(request, body, &kind);
}

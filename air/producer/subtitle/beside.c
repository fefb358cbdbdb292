#include "air/producer/subtitle/beside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A film's subtitles have 100 KB, with fonts in them some MB. */
#define MAX_FILE_BYTES (16 * 1024 * 1024)
/* Of a folder. */
#define MAX_NAMES 20000
#define MAX_FILES 64
#define IO_BUFFER_BYTES (32 * 1024)

struct BesideText {
        char *text;
        gsize size, at;
        AVIOContext *io;
        AVFormatContext *format;
        const atomic_bool *abort;
};

/* ---- names -------------------------------------------------------------------------------------------------- */

static const struct {
        const char *extension, *format;
} formats[] = {{"srt", "srt"}, {"ass", "ass"}, {"ssa", "ass"}, {"vtt", "webvtt"}};

static const struct {
        const char *word;
        unsigned flag;
} words[] = {
        {"forced", TRACK_FORCED}, {"foreign", TRACK_FORCED},  {"sdh", TRACK_IMPAIRED},          {"cc", TRACK_IMPAIRED},
        {"hi", TRACK_IMPAIRED},   {"default", TRACK_DEFAULT}, {"commentary", TRACK_COMMENTARY},
};

static const char *format_of(const char *extension) {
        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
                if (g_ascii_strcasecmp(extension, formats[i].extension) == 0)
                        return formats[i].format;
        return NULL;
}

/* "hi" is Hindi, and for the hard of hearing where a language has been named; "BR" behind "pt" is a country. */
static bool understand_word(const char *word, Track *track) {
        const bool named = track->language[0] != '\0';
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (g_ascii_strcasecmp(word, words[i].word) == 0 && (named || strlen(word) > 2 || word[0] == 'c')) {
                        track->flags |= words[i].flag;
                        return true;
                }
        if (!named)
                return track_language(word, track->language);
        return g_ascii_isupper(word[0]) && g_ascii_isupper(word[1]) && word[2] == '\0';
}

bool beside_understand(const char *film, const char *name, BesideFile *ret_file) {
        const char *dot = strrchr(film, '.');
        const size_t n = dot && dot != film ? (size_t)(dot - film) : strlen(film);
        if (strncmp(name, film, n) != 0 || name[n] != '.')
                return false;
        g_auto(GStrv) parts = g_strsplit(name + n + 1, ".", -1);
        const guint last = g_strv_length(parts) - 1;
        *ret_file = (BesideFile){.format = format_of(parts[last]), .track.flags = TRACK_BESIDE};
        for (guint i = 0; i < last; i++)
                if (!understand_word(parts[i], &ret_file->track))
                        return false;
        return ret_file->format;
}

static void clear_file(gpointer file) {
        g_free(((BesideFile *)file)->name);
}

static int by_name(gconstpointer a, gconstpointer b) {
        return strcmp(((const BesideFile *)a)->name, ((const BesideFile *)b)->name);
}

GArray *beside_find(const char *path, const atomic_bool *abort) {
        GArray *files = g_array_new(FALSE, TRUE, sizeof(BesideFile));
        g_array_set_clear_func(files, clear_file);
        g_autofree char *folder = g_path_get_dirname(path);
        g_autofree char *film = g_path_get_basename(path);
        DIR *dir = opendir(folder);
        const struct dirent *entry;
        for (int n = 0; dir && n < MAX_NAMES && files->len < MAX_FILES && !atomic_load(abort); n++) {
                if (!(entry = readdir(dir)))
                        break;
                BesideFile file;
                if (!beside_understand(film, entry->d_name, &file))
                        continue;
                file.name = g_strdup(entry->d_name);
                g_array_append_val(files, file);
        }
        if (dir)
                closedir(dir);
        g_array_sort(files, by_name);
        return files;
}

/* ---- characters --------------------------------------------------------------------------------------------- */

/* 0x80..0x9F; what Windows leaves out is shown as what it is nowhere. */
static const gunichar windows_1252[32] = {
        0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178,
};

static char *from_windows(const char *bytes, gsize *size) {
        GString *text = g_string_sized_new(*size + *size / 8);
        for (gsize i = 0; i < *size; i++) {
                const guchar byte = (guchar)bytes[i];
                g_string_append_unichar(text, byte >= 0x80 && byte < 0xA0 ? windows_1252[byte - 0x80] : byte);
        }
        *size = text->len;
        return g_string_free(text, FALSE);
}

static char *from_utf16(const char *bytes, gsize *size, const char *encoding) {
        gsize written = 0;
        char *text = g_convert_with_fallback(bytes, (gssize)(*size & ~(gsize)1), "UTF-8", encoding, "?", NULL, &written,
                                             NULL);
        *size = text ? written : 0;
        return text ? text : g_strdup("");
}

char *beside_to_utf8(const char *bytes, gsize *size) {
        if (*size >= 2 && memcmp(bytes, "\xFF\xFE", 2) == 0) {
                *size -= 2;
                return from_utf16(bytes + 2, size, "UTF-16LE");
        }
        if (*size >= 2 && memcmp(bytes, "\xFE\xFF", 2) == 0) {
                *size -= 2;
                return from_utf16(bytes + 2, size, "UTF-16BE");
        }
        if (*size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
                bytes += 3;
                *size -= 3;
        }
        if (!g_utf8_validate(bytes, (gssize)*size, NULL))
                return from_windows(bytes, size);
        char *text = g_malloc(*size + 1);
        memcpy(text, bytes, *size);
        text[*size] = '\0';
        return text;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

/* INV-SUBTITLE-003: in the folder itself, regular, of bounded size. A link may lead anywhere, so it is none. */
static int open_file(const char *path, gsize *ret_size, Fault *fault) {
        const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
        struct stat st;
        if (fd < 0) {
                fault_set(fault, "OPEN_FAILED", "%s: %s", path, g_strerror(errno));
                return -1;
        }
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_FILE_BYTES) {
                *ret_size = (gsize)st.st_size;
                return fd;
        }
        fault_set(fault, "TOO_LARGE", "%s is no file of at most %d MB", path, MAX_FILE_BYTES / 1024 / 1024);
        close(fd);
        return -1;
}

static char *read_file(const char *path, gsize *ret_size, const atomic_bool *abort, Fault *fault) {
        gsize size = 0, at = 0;
        const int fd = open_file(path, &size, fault);
        if (fd < 0)
                return NULL;
        g_autofree char *bytes = g_malloc(size + 1);
        while (at < size && !atomic_load(abort)) {
                const ssize_t n = TEMP_FAILURE_RETRY(read(fd, bytes + at, size - at));
                if (n <= 0)
                        break;
                at += (gsize)n;
        }
        close(fd);
        *ret_size = at;
        return beside_to_utf8(bytes, ret_size);
}

static int read_text(void *user, uint8_t *into, int size) {
        BesideText *text = user;
        const gsize n = MIN((gsize)size, text->size - text->at);
        if (n == 0 || atomic_load(text->abort))
                return AVERROR_EOF;
        memcpy(into, text->text + text->at, n);
        text->at += n;
        return (int)n;
}

static int64_t seek_text(void *user, int64_t offset, int whence) {
        BesideText *text = user;
        if (whence & AVSEEK_SIZE)
                return (int64_t)text->size;
        const int64_t from = whence == SEEK_CUR ? (int64_t)text->at : whence == SEEK_END ? (int64_t)text->size : 0;
        if (from + offset < 0 || from + offset > (int64_t)text->size)
                return AVERROR(EINVAL);
        text->at = (gsize)(from + offset);
        return from + offset;
}

static int refuse(AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options) {
        return AVERROR(EPERM);
}

static bool open_format(BesideText *text, const char *format, Fault *fault) {
        uint8_t *buffer = av_malloc(IO_BUFFER_BYTES);
        text->io = avio_alloc_context(buffer, IO_BUFFER_BYTES, 0, text, read_text, NULL, seek_text);
        text->format = avformat_alloc_context();
        g_assert(buffer && text->io && text->format);
        text->format->pb = text->io;
        text->format->flags |= AVFMT_FLAG_CUSTOM_IO;
        text->format->io_open = refuse;
        const int error = avformat_open_input(&text->format, NULL, av_find_input_format(format), NULL);
        if (error >= 0 && text->format->nb_streams == 1)
                return true;
        fault_set(fault, "OPEN_FAILED", "no subtitles can be read: %s", error < 0 ? av_err2str(error) : format);
        return false;
}

BesideText *beside_open(const char *path, const BesideFile *file, const atomic_bool *abort, Fault *fault) {
        g_autofree char *folder = g_path_get_dirname(path);
        g_autofree char *whole = g_build_filename(folder, file->name, NULL);
        g_autoptr(BesideText) text = g_new0(BesideText, 1);
        text->abort = abort;
        text->text = read_file(whole, &text->size, abort, fault);
        if (!text->text || !open_format(text, file->format, fault))
                return NULL;
        return g_steal_pointer(&text);
}

void beside_close(BesideText *text) {
        if (!text)
                return;
        avformat_close_input(&text->format);
        if (text->io)
                av_freep(&text->io->buffer);
        avio_context_free(&text->io);
        g_free(text->text);
        g_free(text);
}

const AVStream *beside_stream(const BesideText *text) {
        return text->format->streams[0];
}

bool beside_next(BesideText *text, AVPacket *into) {
        av_packet_unref(into);
        return !atomic_load(text->abort) && av_read_frame(text->format, into) >= 0;
}

#include "core/base/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/hash.h"
#include "proto/base/log.h"

#define MAX_FILE_BYTES (64 * 1024)
#define MIN_TOKEN 16
#define MAX_TOKEN 512
#define HASHED "sha256:"
#define SCHEME "Bearer "

typedef struct {
        char hex[RV_SHA256_HEX_SIZE];
} TokenHash;

struct Tokens {
        char *path;
        pthread_mutex_t lock; /* guards everything below */
        bool looked, usable;
        struct stat seen; /* of the file as it was read */
        GArray *hashes;   /* TokenHash */
};

static bool fault(GError **error, const char *text) {
        g_set_error_literal(error, RV_ERROR, RV_ERROR_INVALID, text);
        return false;
}

static bool read_hash(const char *digits, TokenHash *ret_hash) {
        if (strlen(digits) != RV_SHA256_HEX_SIZE - 1 ||
            strspn(digits, "0123456789abcdefABCDEF") != RV_SHA256_HEX_SIZE - 1)
                return false;
        g_autofree char *lower = g_ascii_strdown(digits, -1);
        g_strlcpy(ret_hash->hex, lower, sizeof ret_hash->hex);
        return true;
}

/* One line; *ret_plain: it is no hash. */
static bool read_line(GArray *hashes, char *line, bool *ret_plain) {
        TokenHash hash;
        g_strstrip(line);
        if (line[0] == 0 || line[0] == '#')
                return true;
        if (g_str_has_prefix(line, HASHED)) {
                if (!read_hash(line + strlen(HASHED), &hash))
                        return false;
        } else {
                size_t size = strlen(line);
                if (size < MIN_TOKEN || size > MAX_TOKEN || strpbrk(line, " \t"))
                        return false;
                rv_sha256_hex(line, size, hash.hex);
                *ret_plain = true;
        }
        g_array_append_val(hashes, hash);
        return true;
}

static bool read_lines(GArray *hashes, const char *text, mode_t mode, GError **error) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
        bool plain = false;
        for (size_t i = 0; lines[i]; i++) {
                if (read_line(hashes, lines[i], &plain))
                        continue;
                g_set_error(
                        error, RV_ERROR, RV_ERROR_INVALID,
                        "line %zu is neither a token (%d to %d characters, no blanks) nor sha256: and 64 hex digits",
                        i + 1, MIN_TOKEN, MAX_TOKEN);
                return false;
        }
        if (plain && (mode & (S_IRWXG | S_IRWXO)))
                return fault(error, "others may read the tokens in it: chmod 600 (or write them as sha256:...)");
        if (mode & (S_IWGRP | S_IWOTH))
                return fault(error, "others may write to it: chmod 600");
        return true;
}

/* The whole of an open file, 0 behind it; NULL when it cannot be had. */
static char *read_text(int fd, const struct stat *info, GError **error) {
        if (!S_ISREG(info->st_mode) || info->st_size > MAX_FILE_BYTES) {
                fault(error, "it is no file, or one of more than 64 KiB");
                return NULL;
        }
        g_autofree char *text = g_malloc0(MAX_FILE_BYTES + 1);
        size_t size = 0;
        for (ssize_t n; size < MAX_FILE_BYTES; size += (size_t)n) {
                n = read(fd, text + size, MAX_FILE_BYTES - size);
                if (n < 0) {
                        rv_error_set_errno(error, errno, "it cannot be read");
                        return NULL;
                }
                if (n == 0)
                        break;
        }
        return g_steal_pointer(&text);
}

static bool read_file(Tokens *tokens, GError **error) {
        struct stat info;
        int fd = open(tokens->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        g_array_set_size(tokens->hashes, 0);
        if (fd < 0 || fstat(fd, &info) != 0) {
                rv_error_set_errno(error, errno, "it cannot be opened");
                if (fd >= 0)
                        close(fd);
                return false;
        }
        g_autofree char *text = read_text(fd, &info, error);
        close(fd);
        return text && read_lines(tokens->hashes, text, info.st_mode, error);
}

static bool is_same(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mode == b->st_mode && memcmp(&a->st_mtim, &b->st_mtim, sizeof a->st_mtim) == 0 &&
               memcmp(&a->st_ctim, &b->st_ctim, sizeof a->st_ctim) == 0;
}

/* With the lock held. */
static void look(Tokens *tokens) {
        g_autoptr(GError) error = NULL;
        struct stat now = {0};
        (void)stat(tokens->path, &now); /* one that is not there is told by read_file */
        if (tokens->looked && is_same(&now, &tokens->seen))
                return;
        tokens->looked = true;
        tokens->seen = now;
        tokens->usable = read_file(tokens, &error);
        if (tokens->usable)
                rv_info("tokens.read", RV_S("path", tokens->path), RV_I("tokens", tokens->hashes->len));
        else /* and nobody may change anything until it is mended */
                rv_warning("tokens.unusable", RV_S("path", tokens->path), RV_S("error", error ? error->message : ""));
}

/* Takes as long whether the first digit differs or none. */
static bool is_equal(const char *a, const char *b) {
        unsigned difference = 0;
        for (size_t i = 0; i < RV_SHA256_HEX_SIZE; i++)
                difference |= (unsigned)(a[i] ^ b[i]);
        return difference == 0;
}

/* INV-HTTP-013 */
TokenAnswer tokens_ask(Tokens *tokens, const char *token) {
        char hex[RV_SHA256_HEX_SIZE];
        bool found = false;
        const size_t size = token ? strlen(token) : 0;
        rv_sha256_hex(token ? token : "", size, hex);
        pthread_mutex_lock(&tokens->lock);
        look(tokens);
        for (guint i = 0; i < tokens->hashes->len; i++)
                found |= is_equal(hex, g_array_index(tokens->hashes, TokenHash, i).hex);
        const bool usable = tokens->usable;
        pthread_mutex_unlock(&tokens->lock);
        if (!usable)
                return TOKEN_NONE_USABLE;
        if (size == 0)
                return TOKEN_MISSING;
        return found && size >= MIN_TOKEN && size <= MAX_TOKEN ? TOKEN_GOOD : TOKEN_WRONG;
}

const char *tokens_of_header(const char *authorization) {
        if (!authorization || g_ascii_strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
                return NULL;
        const char *token = authorization + strlen(SCHEME);
        return token + strspn(token, " ");
}

Tokens *tokens_new(const char *path) {
        if (!path)
                return NULL;
        Tokens *tokens = g_new0(Tokens, 1);
        tokens->path = g_strdup(path);
        tokens->hashes = g_array_new(FALSE, FALSE, sizeof(TokenHash));
        pthread_mutex_init(&tokens->lock, NULL);
        pthread_mutex_lock(&tokens->lock);
        look(tokens); /* the operator is told at the start */
        pthread_mutex_unlock(&tokens->lock);
        return tokens;
}

void tokens_free(Tokens *tokens) {
        if (!tokens)
                return;
        g_array_unref(tokens->hashes);
        pthread_mutex_destroy(&tokens->lock);
        g_free(tokens->path);
        g_free(tokens);
}

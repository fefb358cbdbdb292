/*
 * Files that hold pictures and sound, for the tests of what the catalog finds in them. They are made once in a test
 * program, by the ffmpeg program: another reader of the same formats would agree with us too easily.
 */
#pragma once

#include "tests/core/catalog_fixture.h"

static char *clips; /* their folder, from clips_begin to clips_end */

static inline void clips_begin(void) {
        rv_log_set_sink(no_log, NULL);
        clips = temp_dir_new();
}

static inline int clips_end(void **state) {
        temp_dir_free(clips);
        rv_log_set_sink(NULL, NULL);
        return 0;
}

/* Makes the clip of this name from the ffmpeg program's arguments. */
static inline void ffmpeg(const char *name, const char *arguments) {
        g_autofree char *path = g_build_filename(clips, name, NULL);
        g_autofree char *command = g_strdup_printf("ffmpeg -v error -nostdin -y %s %s", arguments, path);
        g_autofree char *errors = NULL;
        g_autoptr(GError) error = NULL;
        int status = 0;
        if (!g_spawn_command_line_sync(command, NULL, &errors, &status, &error))
                fail_msg("%s", error->message);
        if (!g_spawn_check_wait_status(status, NULL))
                fail_msg("%s: %s", command, errors);
}

static inline char *clip_bytes(const char *clip, size_t *ret_size) {
        g_autofree char *path = g_build_filename(clips, clip, NULL);
        char *data = NULL;
        assert_true(g_file_get_contents(path, &data, ret_size, NULL));
        return data;
}

/* --- in the media's folder --------------------------------------------------------------------------------------- */

/* The path of a file, whose folder is there then. */
static inline char *media_path(const World *world, const char *name) {
        char *path = g_build_filename(world->media, name, NULL);
        g_autofree char *dir = g_path_get_dirname(path);
        assert_int_equal(g_mkdir_with_parents(dir, 0755), 0);
        return path;
}

static inline void put_bytes(const World *world, const char *name, const void *data, size_t size) {
        g_autofree char *path = media_path(world, name);
        assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
}

static inline void put_clip(const World *world, const char *name, const char *clip) {
        size_t size = 0;
        g_autofree char *data = clip_bytes(clip, &size);
        put_bytes(world, name, data, size);
}

static inline void remove_file(const World *world, const char *name) {
        g_autofree char *path = media_path(world, name);
        assert_int_equal(g_unlink(path), 0);
}

static inline void assert_near(int64_t value, int64_t expected, int64_t tolerance) {
        if (value < expected - tolerance || value > expected + tolerance)
                fail_msg("%d is not within %d of %d", (int)value, (int)tolerance, (int)expected);
}

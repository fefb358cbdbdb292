/* Subtitles as pictures, of the kind that discs have (HDMV presentation graphics), for tests. */
#pragma once

typedef struct {
        int canvas_width, canvas_height;
        int x, y, width, height; /* of a white rectangle */
        int start_ms, end_ms;
} PgsPicture;

/* A .sup file with that one picture. */
void pgs_write(const char *path, const PgsPicture *picture);

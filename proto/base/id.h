/* Identifiers: UUIDs (RFC 9562) in canonical lower case, and slugs. Pure but for rv_uuid_random; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define RV_UUID_SIZE 37 /* with the NUL */
#define RV_SLUG_MAX 64

void rv_uuid_random(char ret_uuid[RV_UUID_SIZE]);
/* Version 5: the same name always gives the same id. All of RetroVue's names share one namespace. */
void rv_uuid_named(const char *name, char ret_uuid[RV_UUID_SIZE]);
bool rv_uuid_valid(const char *text);

/* 1..64 of [a-z0-9_-], beginning with a letter or digit: safe in URLs, file names and metric labels. */
bool rv_slug_valid(const char *text);
/* A slug made of any text ("Tales & Tails" -> "tales-tails"); "untitled" when nothing is left. Free with g_free. */
char *rv_slug_from(const char *text);

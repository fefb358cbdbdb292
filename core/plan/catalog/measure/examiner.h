/*
 * Examiner: probe and survey in a process of their own. Other people's files are decoded by code that has been wrong
 * before: what crashes, is killed or hangs there costs the file its answer and the program nothing. One thread each.
 *
 * The process is a program started with EXAMINER_COMMAND, which calls examiner_serve with PROCESS_FD. It lives from the
 * first question to examiner_free, and ends by itself when whoever started it is gone. One that was lost is replaced;
 * the file at which it was is tried once more, in a fresh one, before it is called to blame.
 */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#include "core/plan/catalog/measure/survey.h"
#include "core/plan/catalog/probe.h"

#define EXAMINER_COMMAND "examine-files"

typedef struct Examiner Examiner;

/* Once, before the first one: what to start. Where nobody has said so everything happens in this process (tests). */
void examiner_set_program(const char *program);

/* Starts nothing yet. */
Examiner *examiner_new(RvClock *clock);
void examiner_free(Examiner *examiner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Examiner, examiner_free)

/* As probe_file and survey_file. A file that ends the process twice is PROBE_REFUSED and SURVEY_BROKEN; one at which it
 * says nothing for two minutes, or is killed from outside, PROBE_RETRY and SURVEY_RETRY. */
ProbeResult examiner_probe(Examiner *examiner, Asset *asset, const atomic_bool *stop) G_GNUC_WARN_UNUSED_RESULT;
SurveyResult examiner_survey(Examiner *examiner, const SurveyOptions *options,
                             Survey *ret_survey) G_GNUC_WARN_UNUSED_RESULT;

/* The other side: answers questions on the descriptor until it is closed. The program's exit status. */
int examiner_serve(int fd, RvClock *clock);

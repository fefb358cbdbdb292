/*
 * Answer: what probe and survey found out, as JSON, from the process that looked to the one that asked. Questions and
 * answers are lines; between the two the one that looks asks whether it may go on, and rests until it is told to.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "core/plan/catalog/measure/survey.h"
#include "core/plan/catalog/probe.h"

#define ANSWER_MAY_GO_ON "?"
#define ANSWER_GO_ON "1"

/* All of the line and its end. False: nobody is there any more. */
bool answer_say(int fd, const char *line);

/* json_decref them. */
json_t *answer_of_probe(ProbeResult result, const Asset *asset);
json_t *answer_of_survey(SurveyResult result, const Survey *survey);

/* Fill the measured fields and the reason of asset, and *ret_survey. False: it is no such answer. */
bool answer_to_probe(const json_t *answer, Asset *asset, ProbeResult *ret_result);
bool answer_to_survey(const json_t *answer, Survey *ret_survey, SurveyResult *ret_result);

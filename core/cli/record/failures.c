#include <stdio.h>

#include "core/cli/cli.h"
#include "proto/failure/failure.h"

static json_t *json_of(const FailureKind *kind) {
        return json_pack("{s:s,s:s,s:s,s:s}", "code", kind->code, "class", failure_class_name(kind->class), "sentence",
                         kind->sentence, "cure", kind->cure);
}

static void print(const FailureKind *kind) {
        printf("%s (%s)\n    %s\n    %s\n", kind->code, failure_class_name(kind->class), kind->sentence, kind->cure);
}

static int show_all(bool as_json) {
        size_t n;
        const FailureKind *kinds = failure_kinds(&n);
        json_t *document = json_array();
        for (size_t i = 0; i < n; i++)
                if (as_json)
                        json_array_append_new(document, json_of(&kinds[i]));
                else
                        printf("%-32s %-9s %s\n", kinds[i].code, failure_class_name(kinds[i].class), kinds[i].sentence);
        if (as_json)
                cli_print_json(document);
        else
                json_decref(document);
        return 0;
}

static int show_some(char **codes, bool as_json) {
        json_t *document = json_array();
        int status = 0;
        for (char **code = codes; *code; code++) {
                const FailureKind *kind = failure_kind(*code);
                if (!kind)
                        status = cli_fail("there is no failure with the code \"%s\" (`retrovue failures` lists all)",
                                          *code);
                else if (as_json)
                        json_array_append_new(document, json_of(kind));
                else
                        print(kind);
        }
        if (as_json)
                cli_print_json(document);
        else
                json_decref(document);
        return status;
}

static int run(int argc, char **argv) {
        CliOptions options;
        int status = cli_options_parse(&options, CLI_WITH_JSON | CLI_WITH_ARGUMENTS,
                                       "[CODE...] - what a failure means and what to do",
                                       "Explains the codes that stand in log lines (their name), alerts and answers, "
                                       "or lists all.\nGET /api/v1/failures tells which happened since core began, "
                                       "and how often.",
                                       argc, argv);
        if (status < 0)
                status = options.arguments ? show_some(options.arguments, options.json) : show_all(options.json);
        cli_options_clear(&options);
        return status;
}

const CliCommand cli_failures = {"failures", "what a failure means and what to do", run};

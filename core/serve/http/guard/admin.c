/* Who may change something: who shows a token, or, where no tokens are set up, who sits at this machine. */
#include <string.h>

#include "core/serve/http/http_private.h"

static bool refuse_token(Request *request, TokenAnswer answer, enum MHD_Result *ret_result) {
        request->challenge = answer == TOKEN_MISSING ? "Bearer realm=\"RetroVue\""
                                                     : "Bearer realm=\"RetroVue\", error=\"invalid_token\"";
        if (answer == TOKEN_MISSING)
                *ret_result = respond_error(request, MHD_HTTP_UNAUTHORIZED, "token_needed", 0,
                                            "this changes something: send Authorization: Bearer and one of the tokens "
                                            "of tokens_file");
        else
                *ret_result = respond_error(request, MHD_HTTP_UNAUTHORIZED, "token_wrong", 0,
                                            "the token is none of those in tokens_file");
        return false;
}

/* A page's script sends Origin with all that changes something; one from elsewhere would act in the operator's name,
 * and a name that is made to lead here (DNS rebinding) is no better. */
static bool is_of_this_page(Request *request) {
        static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
        const char *origin = request_header(request, "Origin"), *host = request_header(request, MHD_HTTP_HEADER_HOST);
        if (!origin)
                return true;
        const char *of_origin = strstr(origin, "://");
        if (!of_origin || !host || g_ascii_strcasecmp(of_origin + strlen("://"), host) != 0)
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                const size_t n = strlen(names[i]);
                if (g_ascii_strncasecmp(host, names[i], n) == 0 && (host[n] == 0 || host[n] == ':'))
                        return true;
        }
        return false;
}

/* INV-HTTP-013 */
bool admin_may(Request *request, enum MHD_Result *ret_result) {
        Tokens *tokens = request->http->tokens;
        if (tokens) {
                const TokenAnswer answer =
                        tokens_ask(tokens, tokens_of_header(request_header(request, MHD_HTTP_HEADER_AUTHORIZATION)));
                if (answer == TOKEN_GOOD)
                        return true;
                if (answer != TOKEN_NONE_USABLE)
                        return refuse_token(request, answer, ret_result);
                *ret_result = respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "tokens_unusable", 0,
                                            "tokens_file cannot be used; the log says why (tokens.unusable)");
                return false;
        }
        if (request_peer(request).is_local && is_of_this_page(request))
                return true;
        *ret_result = respond_error(request, MHD_HTTP_FORBIDDEN, "not_from_here", 0,
                                    "this changes something and is taken from programs on this machine alone: for "
                                    "others, name a file of tokens as tokens_file in retrovue.yaml and send "
                                    "Authorization: Bearer and one of them");
        return false;
}

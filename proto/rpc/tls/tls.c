#include "proto/rpc/tls/tls.h"

#include <grpc/grpc_security.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "proto/base/error.h"
#include "proto/base/log.h"

typedef struct {
        char *certificate, *key;
} Pair;

struct RpcTls {
        char *certificate_path, *key_path;
        pthread_mutex_t lock; /* handshakes are on any thread of the core's; guards: */
        Pair shown;           /* NULLs: none yet */

        grpc_server_credentials *credentials;
};

static void pair_clear(Pair *pair) {
        g_clear_pointer(&pair->certificate, g_free);
        g_clear_pointer(&pair->key, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

/* --- what is in the files ----------------------------------------------------------------------------------------- */

static int no_password(char *ret_text, int size, int writing, void *user) {
        return 0;
}

static X509 *certificate_of(const char *text) {
        BIO *bio = BIO_new_mem_buf(text, -1);
        X509 *certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        BIO_free(bio);
        return certificate;
}

static EVP_PKEY *key_of(const char *text) {
        BIO *bio = BIO_new_mem_buf(text, -1);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        BIO_free(bio);
        return key;
}

static bool check_pair(const RpcTls *tls, const Pair *pair, GError **error) {
        X509 *certificate = certificate_of(pair->certificate);
        EVP_PKEY *key = key_of(pair->key);
        if (!certificate)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s: there is no certificate (PEM) in it",
                            tls->certificate_path);
        else if (!key)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s: there is no private key (PEM, no password) in it",
                            tls->key_path);
        else if (X509_check_private_key(certificate, key) != 1)
                g_set_error(error, RV_ERROR, RV_ERROR_INVALID, "%s is not the key of %s", tls->key_path,
                            tls->certificate_path);
        const bool good = certificate && key && X509_check_private_key(certificate, key) == 1;
        X509_free(certificate);
        EVP_PKEY_free(key);
        ERR_clear_error();
        return good;
}

static bool read_pair(const RpcTls *tls, Pair *ret_pair, GError **error) {
        return g_file_get_contents(tls->certificate_path, &ret_pair->certificate, NULL, error) &&
               g_file_get_contents(tls->key_path, &ret_pair->key, NULL, error) && check_pair(tls, ret_pair, error);
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

static grpc_ssl_certificate_config_reload_status show(RpcTls *tls, grpc_ssl_server_certificate_config **ret_config) {
        g_auto(Pair) pair = {0};
        g_autoptr(GError) error = NULL;
        if (!read_pair(tls, &pair, &error)) { /* INV-RPC-008 */
                rv_warning("rpc.certificate_unusable", RV_S("error", error->message));
                return tls->shown.certificate ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED
                                              : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
        }
        if (g_strcmp0(pair.certificate, tls->shown.certificate) == 0 && g_strcmp0(pair.key, tls->shown.key) == 0)
                return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
        const grpc_ssl_pem_key_cert_pair texts = {.private_key = pair.key, .cert_chain = pair.certificate};
        /* The core insists on roots to check clients by, though none is asked for its certificate. */
        *ret_config = grpc_ssl_server_certificate_config_create(pair.certificate, &texts, 1);
        pair_clear(&tls->shown);
        tls->shown = pair;
        pair = (Pair){0};
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

static grpc_ssl_certificate_config_reload_status ask(void *user, grpc_ssl_server_certificate_config **ret_config) {
        RpcTls *tls = user;
        pthread_mutex_lock(&tls->lock);
        const grpc_ssl_certificate_config_reload_status status = show(tls, ret_config);
        pthread_mutex_unlock(&tls->lock);
        return status;
}

RpcTls *rpc_tls_new(const char *certificate, const char *key, GError **error) {
        RpcTls *tls = g_new0(RpcTls, 1);
        tls->certificate_path = g_strdup(certificate);
        tls->key_path = g_strdup(key);
        pthread_mutex_init(&tls->lock, NULL);
        g_auto(Pair) pair = {0};
        if (!read_pair(tls, &pair, error)) {
                rpc_tls_free(tls);
                return NULL;
        }
        tls->credentials = grpc_ssl_server_credentials_create_with_options(
                grpc_ssl_server_credentials_create_options_using_config_fetcher(
                        GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, ask, tls));
        return tls;
}

void rpc_tls_free(RpcTls *tls) {
        if (!tls)
                return;
        if (tls->credentials)
                grpc_server_credentials_release(tls->credentials);
        pair_clear(&tls->shown);
        pthread_mutex_destroy(&tls->lock);
        g_free(tls->certificate_path);
        g_free(tls->key_path);
        g_free(tls);
}

RpcCredentials *rpc_tls_credentials(const RpcTls *tls) {
        return tls->credentials;
}

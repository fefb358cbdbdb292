/*
 * The certificate that a server shows over TLS, from two PEM files, which are read anew for every connection: one that
 * is renewed is shown without a restart, and one that was spoilt meanwhile is not: the last good one stays.
 *
 * A program that uses it is linked with the whole gRPC core; all others with the one that does not know TLS, which
 * starts sooner (cmake/Packages.cmake, RV_NETWORK).
 */
#pragma once

#include "proto/rpc/rpc.h"

typedef struct RpcTls RpcTls;

/* After rpc_init. certificate: the chain, the server's own first; key: without a password. NULL and an error that says
 * what is wrong with which file. */
RpcTls *rpc_tls_new(const char *certificate, const char *key, GError **error);
/* NULL is allowed. After the server that shows it. */
void rpc_tls_free(RpcTls *tls);
/* As long as tls is. */
RpcCredentials *rpc_tls_credentials(const RpcTls *tls);

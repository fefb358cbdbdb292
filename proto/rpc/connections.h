/*
 * The sockets below the core. Each connection that the core was given is kept here by a descriptor of our own, so that
 * it can be shut down whatever state the core is in: the core returns nothing that was to be sent while a peer does not
 * read, and a socket that is shut down is the only thing that makes it.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* --- one connection -------------------------------------------------------------------------------------------- */

typedef struct RpcConnection RpcConnection;

/* A second descriptor of fd, which stays the caller's. NULL when there is none to be had (errno). */
RpcConnection *rpc_connection_new(int fd);
RpcConnection *rpc_connection_ref(RpcConnection *connection);
/* NULL is allowed. */
void rpc_connection_unref(RpcConnection *connection);
/* Ends it in both directions, for good. Any thread, any number of times; NULL is allowed. */
void rpc_connection_cut(RpcConnection *connection);
/* False once either end has closed it. */
bool rpc_connection_alive(const RpcConnection *connection);

/* --- making sockets (sockets.c) -------------------------------------------------------------------------------- */

/* A listening socket and, where we made it, its place in the file system. */
typedef struct {
        int fd;
        char *path; /* NULL: somebody else's */
        guint64 device;
        guint64 inode;
} RpcListener;

/* As rpc_server_listen. */
bool rpc_listener_open(const char *path, unsigned mode, RpcListener *ret_listener, GError **error);
/* As rpc_server_adopt_listener. */
bool rpc_listener_adopt(int take_fd, RpcListener *ret_listener, GError **error);
/* Closes it, and removes the path if it is still ours. */
void rpc_listener_clear(RpcListener *listener);
/* As rpc_client_connect: the connected non-blocking socket, or -1. */
int rpc_socket_connect(const char *path, int timeout_ms, GError **error);

/* --- those of a server ----------------------------------------------------------------------------------------- */

typedef struct RpcConnections RpcConnections;

/* accepted: on the accepting thread, for each new connection; takes fd, which is non-blocking. */
RpcConnections *rpc_connections_new(void (*accepted)(void *user, int take_fd), void *user);
/* Before start. */
void rpc_connections_add_listener(RpcConnections *connections, RpcListener take_listener);
bool rpc_connections_start(RpcConnections *connections, GError **error);
/* Closes the listeners and joins the thread; connections that are open stay so. */
void rpc_connections_stop(RpcConnections *connections);
/* After stop, or when it was never started. NULL is allowed. */
void rpc_connections_free(RpcConnections *connections);
unsigned rpc_connections_count(RpcConnections *connections);
/* The connection that the core knows by this descriptor: a new reference, or NULL when it is gone already. */
RpcConnection *rpc_connections_find(RpcConnections *connections, int core_fd);
void rpc_connections_cut_all(RpcConnections *connections);

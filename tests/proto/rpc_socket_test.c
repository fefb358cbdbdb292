/* Where a server listens, and how it is found. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "tests/proto/rpc_callers.h"

#define DEADLINE_MS 10000

static int raw_socket(const char *path, int (*f)(int fd, const struct sockaddr *address, socklen_t size)) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, path, sizeof address.sun_path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(f(fd, (const struct sockaddr *)&address, sizeof address), 0);
        return fd;
}

static int raw_listener(const char *path) {
        int fd = raw_socket(path, bind);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static void socket_is_for_its_owner_only_and_goes_with_the_server(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autofree char *path = g_strdup(engine->path);
        struct stat st;
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0600);
        engine_stop_loop(engine);
        rpc_server_free(g_steal_pointer(&engine->server), 1000);
        assert_int_equal(lstat(path, &st), -1);
        engine_free(engine, 0);
}

static void INV_RPC_004_live_socket_is_not_taken(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        RpcServer *other = rpc_server_new(NULL, (RpcOptions){0});
        g_autoptr(GError) error = NULL;
        assert_false(rpc_server_listen(other, engine->path, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE));
        rpc_server_free(other, 0);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        g_clear_pointer(&client, rpc_client_free);
        engine_free(engine, 1000);
}

static void INV_RPC_004_dead_socket_is_replaced(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        close(raw_listener(engine->path));
        assert_true(g_file_test(engine->path, G_FILE_TEST_EXISTS));
        engine_start(engine);
        engine_run_loop(engine);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        g_clear_pointer(&client, rpc_client_free);
        engine_free(engine, 1000);
}

static void INV_RPC_004_other_files_are_not_touched(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        assert_true(g_file_set_contents(engine->path, "precious", -1, NULL));
        assert_false(rpc_server_listen(engine->server, engine->path, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        g_autofree char *contents = NULL;
        assert_true(g_file_get_contents(engine->path, &contents, NULL, NULL));
        assert_string_equal(contents, "precious");
        engine_free(engine, 0);
}

static void INV_RPC_004_socket_that_is_another_s_now_stays(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autofree char *moved = g_strconcat(engine->path, ".old", NULL);
        assert_int_equal(g_rename(engine->path, moved), 0);
        int fd = raw_listener(engine->path);
        engine_stop_loop(engine);
        rpc_server_free(g_steal_pointer(&engine->server), 0);
        assert_true(g_file_test(engine->path, G_FILE_TEST_EXISTS));
        close(fd);
        engine_free(engine, 0);
}

static void impossible_places_are_refused(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        g_autofree char *name = g_strnfill(120, 'x');
        g_autofree char *too_long = g_build_filename(engine->dir, name, NULL);
        assert_false(rpc_server_listen(engine->server, too_long, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        g_clear_error(&error);
        assert_false(rpc_server_listen(engine->server, "", &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        g_clear_error(&error);
        g_autofree char *nowhere = g_build_filename(engine->dir, "missing", "engine.sock", NULL);
        assert_false(rpc_server_listen(engine->server, nowhere, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_IO));
        g_clear_error(&error);
        assert_null(rpc_client_connect(too_long, 0, (RpcOptions){0}, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        engine_free(engine, 0);
}

static void nobody_there_is_unavailable(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        assert_null(rpc_client_connect(engine->path, 0, (RpcOptions){0}, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE));
        g_clear_error(&error);
        close(raw_listener(engine->path));
        assert_null(rpc_client_connect(engine->path, 20, (RpcOptions){0}, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_UNAVAILABLE));
        engine_free(engine, 0);
}

static void connect_for_the_server(void *user) {
        Engine *engine = user;
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        if (call_version(client, DEADLINE_MS).code == RPC_CODE_OK)
                atomic_fetch_add(&engine->handled, 100);
}

static void client_waits_for_its_server(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        RvThread *thread = rv_thread_start("early", RV_PRIORITY_NORMAL, connect_for_the_server, engine, NULL);
        engine_start(engine);
        engine_run_loop(engine);
        rv_thread_join(thread);
        assert_int_equal(engine->handled, 101);
        engine_free(engine, 1000);
}

/* Core's way: the socket is made before the engine is started, so there is nothing to wait for. */
static void connection_waits_in_the_backlog(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        int fd = raw_listener(engine->path);
        g_autoptr(RpcClient) client = rpc_client_connect(engine->path, 0, (RpcOptions){0}, &error);
        assert_non_null(client);
        RpcCall *call = open_evidence(client);
        assert_non_null(call);
        assert_true(rpc_server_adopt_listener(engine->server, fd, &error));
        assert_true(rpc_server_start(engine->server, &error));
        engine_run_loop(engine);
        assert_true(send_evidence(call, 7));
        assert_int_equal(next_ack(call), 7);
        assert_int_equal(rpc_server_connections(engine->server), 1);
        assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
        g_clear_pointer(&client, rpc_client_free);
        engine_stop_loop(engine);
        rpc_server_free(g_steal_pointer(&engine->server), 1000);
        assert_true(g_file_test(engine->path, G_FILE_TEST_EXISTS)); /* its path is its maker's */
        engine_free(engine, 0);
}

static void only_listening_sockets_are_adopted(void **state) {
        Engine *engine = engine_new((RpcOptions){0});
        g_autoptr(GError) error = NULL;
        assert_false(rpc_server_adopt_listener(engine->server, -1, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        g_clear_error(&error);
        int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_false(rpc_server_adopt_listener(engine->server, file, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        g_clear_error(&error);
        assert_int_equal(fcntl(file, F_GETFD), -1);
        int unbound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_false(rpc_server_adopt_listener(engine->server, unbound, &error));
        assert_true(g_error_matches(error, RV_ERROR, RV_ERROR_INVALID));
        engine_free(engine, 0);
}

static void silent_and_senseless_peers_disturb_nobody(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        int silent = raw_socket(engine->path, connect);
        int senseless = raw_socket(engine->path, connect);
        static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_int_equal(send(senseless, request, strlen(request), MSG_NOSIGNAL), strlen(request));
        char byte;
        ssize_t n;
        while ((n = read(senseless, &byte, 1)) > 0)
                ;
        assert_true(n == 0 || errno == ECONNRESET); /* the server has had enough of it */
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        g_clear_pointer(&client, rpc_client_free);
        engine_free(engine, 50);
        close(silent);
        close(senseless);
}

/* Every descriptor taken: who comes then waits in the backlog, and is served when there are some again. */
static void running_out_of_descriptors_is_survived(void **state) {
        Engine *engine = engine_serving((RpcOptions){0});
        struct rlimit before;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        struct rlimit tight = {.rlim_cur = 100, .rlim_max = before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        g_autoptr(GArray) raw = g_array_new(FALSE, FALSE, sizeof(int));
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        g_strlcpy(address.sun_path, engine->path, sizeof address.sun_path);
        int fd;
        while ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) >= 0) {
                (void)!connect(fd, (const struct sockaddr *)&address, sizeof address);
                g_array_append_val(raw, fd);
        }
        assert_int_equal(errno, EMFILE);
        for (guint i = 0; i < raw->len; i++)
                close(g_array_index(raw, int, i));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        g_clear_pointer(&client, rpc_client_free);
        engine_free(engine, 1000);
}

static unsigned count_entries(const char *path) {
        unsigned n = 0;
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        assert_non_null(dir);
        while (g_dir_read_name(dir))
                n++;
        return n;
}

static void one_life(void) {
        Engine *engine = engine_serving((RpcOptions){0});
        g_autoptr(RpcClient) client = engine_connect(engine->path, (RpcOptions){0});
        assert_int_equal(call_version(client, DEADLINE_MS).code, RPC_CODE_OK);
        RpcCall *call = open_subscription(client);
        engine_await_open(engine, 1);
        assert_int_equal(rpc_close(call).code, RPC_CODE_CANCELLED);
        g_clear_pointer(&client, rpc_client_free);
        engine_free(engine, 1000);
}

static void nothing_is_left_open(void **state) {
        one_life();
        unsigned before = count_entries("/proc/self/fd");
        for (int i = 0; i < 20; i++)
                one_life();
        assert_int_equal(count_entries("/proc/self/fd"), before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(socket_is_for_its_owner_only_and_goes_with_the_server),
                cmocka_unit_test(INV_RPC_004_live_socket_is_not_taken),
                cmocka_unit_test(INV_RPC_004_dead_socket_is_replaced),
                cmocka_unit_test(INV_RPC_004_other_files_are_not_touched),
                cmocka_unit_test(INV_RPC_004_socket_that_is_another_s_now_stays),
                cmocka_unit_test(impossible_places_are_refused),
                cmocka_unit_test(nobody_there_is_unavailable),
                cmocka_unit_test(client_waits_for_its_server),
                cmocka_unit_test(connection_waits_in_the_backlog),
                cmocka_unit_test(only_listening_sockets_are_adopted),
                cmocka_unit_test(silent_and_senseless_peers_disturb_nobody),
                cmocka_unit_test(running_out_of_descriptors_is_survived),
                cmocka_unit_test(nothing_is_left_open),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "air/output/gst.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "proto/base/thread.h"

/* A plug-in, an element of it that we use, and where Debian has it. */
static const struct {
        const char *file, *element, *package;
} wanted[] = {
        {"libgstcoreelements.so", "capsfilter", "libgstreamer1.0-0"},
        {"libgstapp.so", "appsrc", "gstreamer1.0-plugins-base"},
        {"libgstx264.so", "x264enc", "gstreamer1.0-plugins-ugly"},
        {"libgstvoaacenc.so", "voaacenc", "gstreamer1.0-plugins-bad"},
        {"libgstaudioparsers.so", "aacparse", "gstreamer1.0-plugins-good"},
        {"libgstmpegtsmux.so", "mpegtsmux", "gstreamer1.0-plugins-bad"},
};

/* What only some channels use: not in the folder of links, and loaded from where the system has it. */
static const struct {
        const char *element, *file;
} optional[] = {
        {"avenc_ac3", "libgstlibav.so"},
        {"twolamemp2enc", "libgsttwolame.so"},
        {"vah264enc", "libgstva.so"},
        {"vah264lpenc", "libgstva.so"},
        {"nvh264enc", "libgstnvcodec.so"},
        {"h264parse", "libgstvideoparsersbad.so"},
        {"videoconvert", "libgstvideoconvertscale.so"},
        {"videoscale", "libgstvideoconvertscale.so"},
};

/* The folder of plug-ins that belongs to the very libgstreamer this process runs with. */
static char *system_plugin_dir(void) {
        Dl_info info;
        if (dladdr((void *)gst_init_check, &info) == 0 || !info.dli_fname)
                return NULL;
        g_autofree char *lib_dir = g_path_get_dirname(info.dli_fname);
        return g_build_filename(lib_dir, "gstreamer-1.0", NULL);
}

/* Makes or mends the link in one step, so that an engine starting beside us never sees it missing or half made. */
static bool link_plugin(const char *cache_dir, const char *target, const char *link_path, GError **error) {
        g_autofree char *present = g_file_read_link(link_path, NULL);
        if (g_strcmp0(present, target) == 0)
                return true;
        g_autofree char *name = g_path_get_basename(link_path);
        g_autofree char *fresh = g_strdup_printf("%s/.%s.%d", cache_dir, name, (int)getpid());
        (void)g_unlink(fresh); /* of a process that died half-way and had our id */
        if (symlink(target, fresh) == 0 && g_rename(fresh, link_path) == 0) /* INV-OUTPUT-006 */
                return true;
        rv_error_set_errno(error, errno, "cannot link %s", link_path);
        (void)g_unlink(fresh);
        return false;
}

static bool link_plugins(const char *cache_dir, const char *link_dir, GError **error) {
        g_autofree char *plugin_dir = system_plugin_dir();
        if (!plugin_dir) {
                g_set_error(error, RV_ERROR, RV_ERROR_NOT_FOUND, "cannot tell where GStreamer's plug-ins are");
                return false;
        }
        if (g_mkdir_with_parents(link_dir, 0755) != 0) {
                rv_error_set_errno(error, errno, "cannot make %s", link_dir);
                return false;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
                g_autofree char *target = g_build_filename(plugin_dir, wanted[i].file, NULL);
                g_autofree char *link_path = g_build_filename(link_dir, wanted[i].file, NULL);
                if (!link_plugin(cache_dir, target, link_path, error))
                        return false;
        }
        return true;
}

/*
 * GStreamer writes the registry beside its place and renames it, so simultaneous starters are safe. It compares each
 * plug-in's time and size with the registry's at every start, which costs nothing for these few: no need to forbid it.
 */
static bool confine(const char *cache_dir, GError **error) {
        g_autofree char *link_dir = g_build_filename(cache_dir, "plugins", NULL);
        g_autofree char *registry = g_build_filename(cache_dir, "registry.bin", NULL);
        if (!link_plugins(cache_dir, link_dir, error))
                return false;
        g_setenv("GST_PLUGIN_SYSTEM_PATH_1_0", link_dir, TRUE); /* INV-OUTPUT-006 */
        g_setenv("GST_PLUGIN_PATH_1_0", "", TRUE);
        g_setenv("GST_REGISTRY_1_0", registry, TRUE);
        g_setenv("GST_REGISTRY_FORK", "no", TRUE); /* no gst-plugin-scanner process */
        return true;
}

/*
 * What stops the output comes over the bus and is reported as its failure: these are remarks of GStreamer's makers. And
 * gst-libav makes itself FFmpeg's log, so damaged material would be told picture by picture.
 */
static RvLogLevel level_of(GstDebugCategory *category, GstDebugLevel level) {
        const bool remark = level != GST_LEVEL_ERROR || strcmp(gst_debug_category_get_name(category), "libav") == 0;
        return remark ? RV_LOG_DEBUG : RV_LOG_WARNING;
}

static void log_message(GstDebugCategory *category, GstDebugLevel level, const char *file, const char *function,
                        int line, GObject *object, GstDebugMessage *message, void *user) {
        const RvLogLevel ours = level_of(category, level);
        if (rv_log_enabled(ours))
                rv_log(ours, "gstreamer.message", RV_S("category", gst_debug_category_get_name(category)),
                       RV_S("function", function), RV_S("message", gst_debug_message_get(message)));
}

/* GST_DEBUG, when set, still chooses what is told; where it goes is ours. */
static void join_log(void) {
        gst_debug_remove_log_function(gst_debug_log_default);
        gst_debug_add_log_function(log_message, NULL, NULL);
        if (!g_getenv("GST_DEBUG"))
                gst_debug_set_default_threshold(rv_log_enabled(RV_LOG_DEBUG) ? GST_LEVEL_WARNING : GST_LEVEL_ERROR);
}

static bool check_elements(GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
                g_autoptr(GstElementFactory) factory = gst_element_factory_find(wanted[i].element);
                if (!factory) {
                        g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE,
                                    "GStreamer has no element %s (%s of package %s)", wanted[i].element, wanted[i].file,
                                    wanted[i].package);
                        return false;
                }
        }
        return true;
}

static void load_plugin(const char *file) {
        g_autofree char *plugin_dir = system_plugin_dir();
        g_autofree char *path = plugin_dir ? g_build_filename(plugin_dir, file, NULL) : NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GstPlugin) plugin = path ? gst_plugin_load_file(path, &error) : NULL;
        if (!plugin)
                rv_info("output.no_plugin", RV_S("file", file), RV_S("error", error ? error->message : "no folder"));
}

GstElementFactory *gst_find_optional(const char *element) {
        GstElementFactory *factory = gst_element_factory_find(element);
        for (size_t i = 0; !factory && i < G_N_ELEMENTS(optional); i++) {
                if (!g_str_equal(optional[i].element, element))
                        continue;
                load_plugin(optional[i].file); /* INV-OUTPUT-006 */
                factory = gst_element_factory_find(element);
        }
        return factory;
}

/* Written before the thread starts, read after everything else: by exit. */
static RvThread *preloader;

static void preload(void *user) {
        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
                g_autoptr(GstElementFactory) factory = gst_element_factory_find(wanted[i].element);
                g_autoptr(GstPluginFeature) loaded =
                        factory ? gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory)) : NULL;
        }
}

/* No library may be unloaded under a thread that is still loading one. */
static void end_preload(void) {
        g_clear_pointer(&preloader, rv_thread_join);
}

/* While the program is still opening its sockets; who needs one sooner waits for it in GStreamer. */
static void start_preload(void) {
        g_autoptr(GError) error = NULL;
        preloader = rv_thread_start("gst-preload", RV_PRIORITY_NORMAL, preload, NULL, &error);
        if (!preloader)
                rv_warning("output.no_preload", RV_S("error", error->message));
        else
                (void)atexit(end_preload);
}

#ifdef __SANITIZE_ADDRESS__
/*
 * GLib's table of quarks, made by its constructor, is left behind for those still reading it when GStreamer's thousands
 * of types make it grow. Only a full stack tells that block from any other of g_malloc's.
 */
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

const char *__lsan_default_suppressions(void) {
        return "leak:call_init\n";
}

const char *__asan_default_options(void) {
        return "fast_unwind_on_malloc=0:malloc_context_size=10"; /* ten: a registry is made in half of the time */
}
#endif

void gst_prepare(const char *cache_dir) {
        g_autoptr(GError) error = NULL;
        if (!confine(cache_dir, &error))
                rv_warning("output.no_plugin_cache", RV_S("dir", cache_dir), RV_S("error", error->message));
}

bool gst_start(GError **error) {
        g_autoptr(GError) init_error = NULL;
        if (!gst_init_check(NULL, NULL, &init_error)) {
                g_set_error(error, RV_ERROR, RV_ERROR_UNAVAILABLE, "GStreamer does not start: %s",
                            init_error ? init_error->message : "no reason given");
                return false;
        }
        join_log();
        if (!check_elements(error))
                return false;
        start_preload();
        return true;
}

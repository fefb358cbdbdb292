# Every third-party library, once. Each noun links only those its layer allows (tests/tools/layers).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(GLIB REQUIRED IMPORTED_TARGET glib-2.0>=2.74 gio-unix-2.0)
pkg_check_modules(UUID REQUIRED IMPORTED_TARGET uuid)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
pkg_check_modules(LIBASS REQUIRED IMPORTED_TARGET libass>=0.17)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswscale libswresample)
pkg_check_modules(LIBAVFILTER REQUIRED IMPORTED_TARGET libavfilter)
pkg_check_modules(GST REQUIRED IMPORTED_TARGET gstreamer-1.0>=1.22 gstreamer-app-1.0 gstreamer-video-1.0 gstreamer-audio-1.0)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(XML2 REQUIRED IMPORTED_TARGET libxml-2.0)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1.5)

# The gRPC C core. Its pkg-config file drags in some sixty abseil libraries that a C program never names:
# take the version from it and link the two libraries whose symbols we use.
pkg_check_modules(GRPC REQUIRED grpc_unsecure>=29)
add_library(rv_grpc INTERFACE)
# Programs that serve a network (property RV_NETWORK) need the core that knows TLS; an engine does not, and starts sooner.
define_property(TARGET PROPERTY RV_NETWORK BRIEF_DOCS "linked with a gRPC core that knows TLS")
target_link_libraries(rv_grpc INTERFACE $<IF:$<BOOL:$<TARGET_PROPERTY:RV_NETWORK>>,grpc,grpc_unsecure> gpr)

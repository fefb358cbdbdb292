# rv_protobuf_c(TARGET FILE.proto...): a library of the generated C of proto/FILE.proto, included as
# "proto/FILE.pb-c.h", and ${RV_DESCRIPTOR_SET}, the FileDescriptorSet of them all, for gRPC reflection.
find_program(PROTOC protoc REQUIRED)
find_program(PROTOC_GEN_C protoc-gen-c REQUIRED)
set(RV_GENERATED ${CMAKE_BINARY_DIR}/generated)
set(RV_DESCRIPTOR_SET ${RV_GENERATED}/proto/retrovue.binpb)

function(rv_protobuf_c target)
  file(MAKE_DIRECTORY ${RV_GENERATED}/proto)
  set(sources)
  foreach(name IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${name})
    list(APPEND protos ${CMAKE_SOURCE_DIR}/proto/${name})
    list(APPEND sources ${RV_GENERATED}/proto/${stem}.pb-c.c)
    list(APPEND outputs ${RV_GENERATED}/proto/${stem}.pb-c.c ${RV_GENERATED}/proto/${stem}.pb-c.h)
  endforeach()
  add_custom_command(
    OUTPUT ${outputs} ${RV_DESCRIPTOR_SET}
    COMMAND ${PROTOC} --proto_path=${CMAKE_SOURCE_DIR} --c_out=${RV_GENERATED} --include_imports
            --descriptor_set_out=${RV_DESCRIPTOR_SET} ${protos}
    DEPENDS ${protos} VERBATIM)
  add_library(${target} STATIC ${sources})
  target_compile_options(${target} PRIVATE -w)
  target_include_directories(${target} SYSTEM PUBLIC ${RV_GENERATED})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUFC)
endfunction()

# rv_noun(TARGET FOLDER LIB...): the static library of one subsystem: every .c of its folder, and what it may use.
# Includes are root-relative ("core/plan/catalog/catalog.h"), so the source root is the only include directory.
function(rv_noun target folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE PkgConfig::GLIB ${ARGN})
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC PkgConfig::GLIB Threads::Threads ${ARGN})
endfunction()

# rv_part(TARGET FOLDER): a folder within a noun's, of the same library.
function(rv_part target folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
  target_sources(${target} PRIVATE ${sources})
endfunction()

# One language level and one set of warnings for every target; a warning is an error.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
add_compile_definitions(_GNU_SOURCE G_LOG_USE_STRUCTURED GLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74)
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
                    -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-align -Wwrite-strings -Wswitch-enum
                    -Wno-unused-parameter -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()

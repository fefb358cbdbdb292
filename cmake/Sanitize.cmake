# -DRV_SANITIZE=address,undefined | thread: the whole tree is built with it; a finding ends the program.
if(RV_SANITIZE)
  add_compile_options(-fsanitize=${RV_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RV_SANITIZE})
endif()

# The console: web/ built by npm into share/keyhaven/web of the build tree, where keyhavend in bin/ looks.
#
#   --target web    builds it, and fails when it cannot
#   KEYHAVEN_WEB    ON: part of every build. OFF: only when asked for. AUTO: part of every build where there is npm, and a
#                   failure there (no network for the packages) is told and does not stop the build of the server
set(KEYHAVEN_WEB AUTO CACHE STRING "Build the console: ON, OFF or AUTO")
set_property(CACHE KEYHAVEN_WEB PROPERTY STRINGS ON OFF AUTO)
find_program(KH_NPM npm)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/web/src/* ${CMAKE_SOURCE_DIR}/web/public/*
  ${CMAKE_SOURCE_DIR}/web/tools/*)
foreach(name index.html vite.config.ts tsconfig.json package.json package-lock.json)
  list(APPEND web_sources ${CMAKE_SOURCE_DIR}/web/${name})
endforeach()
list(APPEND web_sources ${CMAKE_SOURCE_DIR}/tools/build_web.py)
set(web_build Python3::Interpreter -B ${CMAKE_SOURCE_DIR}/tools/build_web.py --output ${CMAKE_BINARY_DIR}/share/keyhaven/web)

add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web.stamp COMMAND ${web_build} --stamp ${CMAKE_BINARY_DIR}/web.stamp
  DEPENDS ${web_sources} COMMENT "Building the console" VERBATIM)
if(KEYHAVEN_WEB STREQUAL "AUTO" AND KH_NPM)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/web-auto.stamp
    COMMAND ${web_build} --optional --stamp ${CMAKE_BINARY_DIR}/web-auto.stamp
    DEPENDS ${web_sources} COMMENT "Building the console" VERBATIM)
  add_custom_target(web_auto ALL DEPENDS ${CMAKE_BINARY_DIR}/web-auto.stamp)
endif()
if(KEYHAVEN_WEB STREQUAL "ON")
  add_custom_target(web ALL DEPENDS ${CMAKE_BINARY_DIR}/web.stamp)
else()
  add_custom_target(web DEPENDS ${CMAKE_BINARY_DIR}/web.stamp)
endif()

install(TARGETS keyhavend keyhaven-unit keyhaven RUNTIME)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/keyhaven/web DESTINATION share/keyhaven OPTIONAL)

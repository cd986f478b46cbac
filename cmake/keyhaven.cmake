# How every folder of the tree is built: one static library per folder of src/, its tests beside it.

add_library(kh_flags INTERFACE)
target_include_directories(kh_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(kh_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum
  -fstack-protector-strong -fPIE $<$<BOOL:${KH_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(kh_flags INTERFACE -fstack-clash-protection -fcf-protection)
endif()
target_compile_definitions(kh_flags INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  KH_VERSION="${PROJECT_VERSION}")
target_link_options(kh_flags INTERFACE -pie -Wl,-z,relro,-z,now)
if(KH_SANITIZE)
  target_compile_options(kh_flags INTERFACE -fsanitize=${KH_SANITIZE} -fno-omit-frame-pointer)
  string(REPLACE "fuzzer-no-link," "" kh_sanitize_link "${KH_SANITIZE}")
  target_link_options(kh_flags INTERFACE -fsanitize=${kh_sanitize_link})
else()
  target_compile_definitions(kh_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()

# kh_library(NAME LINKS...): the library keyhaven::NAME from every *.cc of the current folder that is no test
# and no main; and, if the folder has *_test.cc files, the program NAME_test, registered with ctest.
function(kh_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  if(sources)
    add_library(kh_${name} STATIC ${sources})
    target_link_libraries(kh_${name} PUBLIC kh_flags ${ARGN})
  else()
    add_library(kh_${name} INTERFACE)
    target_link_libraries(kh_${name} INTERFACE kh_flags ${ARGN})
  endif()
  add_library(keyhaven::${name} ALIAS kh_${name})
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE kh_${name} GTest::gtest_main ${KH_TEST_LINKS})
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit)
  endif()
endfunction()

# kh_program(NAME LINKS...): an executable from main.cc of the current folder.
function(kh_program name)
  add_executable(${name} ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  target_link_libraries(${name} PRIVATE kh_flags ${ARGN})
endfunction()

# What the tests, benchmarks and examples of dpm are built with. None of it reaches a user of dpm.

if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 REQUIRED NO_MODULE)
endif()
if(Eigen3_VERSION AND Eigen3_VERSION VERSION_LESS 3.3)
  message(FATAL_ERROR "The tests, benchmarks and examples of dpm need Eigen 3.3 or newer")
endif()

add_library(dpm_warnings INTERFACE)
target_compile_options(
  dpm_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall -Wextra -Wpedantic
                         -Wconversion -Wshadow>)

find_program(DPM_CCACHE ccache)
mark_as_advanced(DPM_CCACHE)
if(DPM_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these, ccache refuses every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${DPM_CCACHE})
endif()

# What dpm::separate compiles for a program, once for many programs, with flags that they share. Its
# arithmetic is optimised in every configuration. clang-tidy reads it in the headers (dpm_all_headers).
function(dpm_compile_once library)
  add_library(${library} STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/include/${dpm_definitions})
  target_compile_definitions(${library} PUBLIC DPM_SEPARATE)
  target_compile_options(${library} PRIVATE $<$<CONFIG:Debug>:-O1> ${ARGN})
  target_link_libraries(${library} PUBLIC dpm::dpm PRIVATE dpm_warnings)
  set_target_properties(${library} PROPERTIES CXX_CLANG_TIDY "")
endfunction()
dpm_compile_once(dpm_compiled)

# For those who include "support/...": the problems and methods that tests and benchmarks share. A
# program with flags that the library must have too takes dpm_support_own_flags.
option(DPM_TEST_SEPARATE "Compile the library once for the test programs" OFF)
foreach(support dpm_support dpm_support_own_flags)
  add_library(${support} INTERFACE)
  target_include_directories(${support} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/tests)
  target_link_libraries(${support} INTERFACE dpm::dpm dpm_warnings)
endforeach()
if(DPM_TEST_SEPARATE)
  target_link_libraries(dpm_support INTERFACE dpm_compiled)
  target_link_libraries(dpm_support_own_flags INTERFACE dpm::separate)
endif()

# What needs libtorch is built where it is found.
option(DPM_WITH_LIBTORCH "Build what needs libtorch, if it is there" ON)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
  # It cannot compile torch/script.h as C++20.
  set(DPM_WITH_LIBTORCH OFF)
endif()
if(DPM_WITH_LIBTORCH)
  find_package(Torch QUIET)
endif()
if(NOT Torch_FOUND)
  message(STATUS "libtorch is not there or not wanted: what needs it is left out")
endif()

include(cmake/onnxruntime.cmake)

# What needs ONNX's protobuf classes is built where they are found.
find_package(Protobuf QUIET)
if(Protobuf_FOUND)
  find_package(ONNX QUIET)
endif()
# Since ONNX 1.16 its targets may have its name before theirs.
foreach(name onnx onnx_proto)
  if(TARGET ONNX::${name} AND NOT TARGET ${name})
    add_library(${name} ALIAS ONNX::${name})
  endif()
endforeach()
if(NOT ONNX_FOUND)
  message(STATUS "ONNX is not there: what needs it is left out (Debian: libonnx-dev and libprotobuf-dev)")
endif()

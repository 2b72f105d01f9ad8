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

# For those who include "support/...": the problems and methods that tests and benchmarks share.
add_library(dpm_support INTERFACE)
target_include_directories(dpm_support INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/tests)
target_link_libraries(dpm_support INTERFACE dpm::dpm dpm_warnings)

option(DPM_TEST_SEPARATE "Compile the library once for each test program" OFF)
if(DPM_TEST_SEPARATE)
  target_link_libraries(dpm_support INTERFACE dpm::separate)
endif()

find_program(DPM_CCACHE ccache)
mark_as_advanced(DPM_CCACHE)
if(DPM_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # Without these, ccache refuses every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${DPM_CCACHE})
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

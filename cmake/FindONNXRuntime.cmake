# Finds ONNX Runtime: its C++ headers and a library that has their API. ONNXRuntime_ROOT says where.
#
#     find_package(ONNXRuntime)
#     target_link_libraries(app PRIVATE ONNXRuntime::ONNXRuntime)
#
# Sets ONNXRuntime_FOUND and ONNXRuntime_VERSION, the library's.
find_path(ONNXRuntime_INCLUDE_DIR onnxruntime_cxx_api.h PATH_SUFFIXES onnxruntime onnxruntime/core/session)
find_library(ONNXRuntime_LIBRARY onnxruntime)
mark_as_advanced(ONNXRuntime_INCLUDE_DIR ONNXRuntime_LIBRARY)

# A library that is older than the headers has no such API, and every call of it would crash. So a
# program asks it; what it says is kept in the cache, since it is about this pair of files.
set(ONNXRuntime_usable "")
set(ONNXRuntime_reason "")
if(ONNXRuntime_INCLUDE_DIR AND ONNXRuntime_LIBRARY)
  file(STRINGS ${ONNXRuntime_INCLUDE_DIR}/onnxruntime_c_api.h ONNXRuntime_api REGEX "^#define ORT_API_VERSION")
  string(REGEX MATCH "[0-9]+" ONNXRuntime_api "${ONNXRuntime_api}")
  set(ONNXRuntime_pair ${ONNXRuntime_LIBRARY} ${ONNXRuntime_INCLUDE_DIR})
  if(CMAKE_CROSSCOMPILING)
    set(ONNXRuntime_usable ON)
  elseif(NOT ONNXRuntime_pair STREQUAL "${ONNXRuntime_CHECKED}")
    set(ONNXRuntime_program ${CMAKE_CURRENT_BINARY_DIR}/onnxruntime_version.cpp)
    file(WRITE ${ONNXRuntime_program}
         "#include <cstdio>\n"
         "#include <onnxruntime_c_api.h>\n"
         "int main() {\n"
         "  const bool has_api = OrtGetApiBase()->GetApi(ORT_API_VERSION) != nullptr;\n"
         "  std::printf(\"version %s %s\\n\", OrtGetApiBase()->GetVersionString(), has_api ? \"fits\" : \"is older\");\n"
         "}\n")
    unset(ONNXRuntime_RUNS CACHE)
    unset(ONNXRuntime_COMPILES CACHE)
    # The headers are C++17. What the library never gives back is no reason to refuse it where the
    # program is compiled with the address sanitizer.
    set(ONNXRuntime_asan "$ENV{ASAN_OPTIONS}")
    set(ENV{ASAN_OPTIONS} "${ONNXRuntime_asan}:detect_leaks=0")
    try_run(ONNXRuntime_RUNS ONNXRuntime_COMPILES ${CMAKE_CURRENT_BINARY_DIR}/onnxruntime_version
            ${ONNXRuntime_program}
            CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${ONNXRuntime_INCLUDE_DIR} -DCMAKE_CXX_STANDARD=17
            LINK_LIBRARIES ${ONNXRuntime_LIBRARY}
            COMPILE_OUTPUT_VARIABLE ONNXRuntime_built
            RUN_OUTPUT_VARIABLE ONNXRuntime_said)
    if(ONNXRuntime_asan STREQUAL "")
      unset(ENV{ASAN_OPTIONS})
    else()
      set(ENV{ASAN_OPTIONS} "${ONNXRuntime_asan}")
    endif()
    string(REGEX MATCH "version ([^ ]+) (fits|is older)" ONNXRuntime_line "${ONNXRuntime_said}")
    set(ONNXRuntime_LIBRARY_VERSION "${CMAKE_MATCH_1}" CACHE INTERNAL "Of ONNXRuntime_LIBRARY")
    set(ONNXRuntime_why "")
    if(NOT ONNXRuntime_COMPILES)
      string(REGEX MATCH "[^\n]*(error|undefined)[^\n]*" ONNXRuntime_line "${ONNXRuntime_built}")
      set(ONNXRuntime_why "a program with the headers in ${ONNXRuntime_INCLUDE_DIR} and ${ONNXRuntime_LIBRARY} \
cannot be built (${ONNXRuntime_line})")
    elseif(ONNXRuntime_line STREQUAL "")
      set(ONNXRuntime_why "a program with ${ONNXRuntime_LIBRARY} does not run (${ONNXRuntime_RUNS})")
    elseif(ONNXRuntime_line MATCHES "is older")
      set(ONNXRuntime_why "${ONNXRuntime_LIBRARY} is version ${ONNXRuntime_LIBRARY_VERSION} and has not the API ${ONNXRuntime_api} \
of the headers in ${ONNXRuntime_INCLUDE_DIR} (take a library that is as new)")
    endif()
    set(ONNXRuntime_REFUSED "${ONNXRuntime_why}" CACHE INTERNAL "Why ONNXRuntime_LIBRARY cannot be used")
    set(ONNXRuntime_CHECKED "${ONNXRuntime_pair}" CACHE INTERNAL "What ONNXRuntime_REFUSED is about")
  endif()
  set(ONNXRuntime_VERSION "${ONNXRuntime_LIBRARY_VERSION}")
  if(NOT ONNXRuntime_usable)
    set(ONNXRuntime_reason "${ONNXRuntime_REFUSED}")
    if(ONNXRuntime_reason STREQUAL "")
      set(ONNXRuntime_usable ON)
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  ONNXRuntime
  REQUIRED_VARS ONNXRuntime_LIBRARY ONNXRuntime_INCLUDE_DIR ONNXRuntime_usable
  VERSION_VAR ONNXRuntime_VERSION
  REASON_FAILURE_MESSAGE "${ONNXRuntime_reason}")

if(ONNXRuntime_FOUND AND NOT TARGET ONNXRuntime::ONNXRuntime)
  add_library(ONNXRuntime::ONNXRuntime UNKNOWN IMPORTED)
  set_target_properties(
    ONNXRuntime::ONNXRuntime PROPERTIES IMPORTED_LOCATION ${ONNXRuntime_LIBRARY}
                                        INTERFACE_INCLUDE_DIRECTORIES ${ONNXRuntime_INCLUDE_DIR})
endif()

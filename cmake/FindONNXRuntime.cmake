# Finds ONNX Runtime: its C++ headers and a library that has their API. ONNXRuntime_ROOT says where.
#
#     find_package(ONNXRuntime)
#     target_link_libraries(app PRIVATE ONNXRuntime::ONNXRuntime)
#
# Sets ONNXRuntime_FOUND and ONNXRuntime_VERSION, the library's.
find_path(ONNXRuntime_INCLUDE_DIR onnxruntime_cxx_api.h PATH_SUFFIXES onnxruntime onnxruntime/core/session)
find_library(ONNXRuntime_LIBRARY onnxruntime)
mark_as_advanced(ONNXRuntime_INCLUDE_DIR ONNXRuntime_LIBRARY)

# A library that is older than the headers has no such API, and every call of it would crash.
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
         "  std::fputs(OrtGetApiBase()->GetVersionString(), stdout);\n"
         "  return OrtGetApiBase()->GetApi(ORT_API_VERSION) == nullptr ? 1 : 0;\n"
         "}\n")
    unset(ONNXRuntime_RUNS CACHE)
    unset(ONNXRuntime_COMPILES CACHE)
    try_run(ONNXRuntime_RUNS ONNXRuntime_COMPILES ${CMAKE_CURRENT_BINARY_DIR}/onnxruntime_version
            ${ONNXRuntime_program}
            CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${ONNXRuntime_INCLUDE_DIR}
            LINK_LIBRARIES ${ONNXRuntime_LIBRARY}
            RUN_OUTPUT_VARIABLE ONNXRuntime_said)
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" ONNXRuntime_said "${ONNXRuntime_said}")
    set(ONNXRuntime_LIBRARY_VERSION "${ONNXRuntime_said}" CACHE INTERNAL "Of ONNXRuntime_LIBRARY")
    set(ONNXRuntime_CHECKED "${ONNXRuntime_pair}" CACHE INTERNAL "What ONNXRuntime_RUNS is about")
  endif()
  set(ONNXRuntime_VERSION "${ONNXRuntime_LIBRARY_VERSION}")
  if(ONNXRuntime_RUNS STREQUAL "0")
    set(ONNXRuntime_usable ON)
  elseif(NOT ONNXRuntime_usable)
    set(ONNXRuntime_reason "${ONNXRuntime_LIBRARY} has not the API ${ONNXRuntime_api} of the headers in \
${ONNXRuntime_INCLUDE_DIR} (take a library that is as new)")
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

# Every header of the library compiles alone, with the warnings of the project, and so does what it
# only declares where the library is compiled separately: target all_verify_interface_header_sets.
get_target_property(headers dpm HEADER_SET)
if(NOT Torch_FOUND)
  list(FILTER headers EXCLUDE REGEX "interop/libtorch")
endif()
if(NOT ONNXRuntime_FOUND)
  list(FILTER headers EXCLUDE REGEX "interop/onnxruntime")
endif()
if(NOT ONNX_FOUND)
  list(FILTER headers EXCLUDE REGEX "interop/onnx_graph")
endif()

add_library(dpm_headers INTERFACE)
target_sources(dpm_headers INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                     FILES ${headers})
target_link_libraries(dpm_headers INTERFACE dpm::dpm dpm_warnings ${TORCH_LIBRARIES}
                                            $<TARGET_NAME_IF_EXISTS:onnx_proto>
                                            $<TARGET_NAME_IF_EXISTS:ONNXRuntime::ONNXRuntime>)
# Nothing of it runs.
target_compile_options(dpm_headers INTERFACE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-O0 -g0 -fno-sanitize=all>)
set_target_properties(dpm_headers PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

add_library(dpm_declarations INTERFACE)
target_sources(dpm_declarations INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include
                                          FILES ${headers})
target_link_libraries(dpm_declarations INTERFACE dpm_headers)
target_compile_definitions(dpm_declarations INTERFACE DPM_SEPARATE)
set_target_properties(dpm_declarations PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

# All of them in one translation unit, which is what clang-tidy reads.
list(TRANSFORM headers PREPEND "#include \"")
list(TRANSFORM headers APPEND "\"")
list(JOIN headers "\n" includes)
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp CONTENT "${includes}\n")
add_library(dpm_all_headers OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp)
target_link_libraries(dpm_all_headers PRIVATE dpm_headers)

# What needs ONNX Runtime is built where it is found: by ONNXRuntime_ROOT, in the system, or where
# fetch-onnxruntime.cmake puts it.
option(DPM_WITH_ONNXRUNTIME "Build what needs ONNX Runtime, if it is there" ON)
if(DPM_WITH_ONNXRUNTIME)
  list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
  list(APPEND CMAKE_PREFIX_PATH ${PROJECT_SOURCE_DIR}/build/onnxruntime)
  find_package(ONNXRuntime QUIET)
endif()
if(ONNXRuntime_FOUND)
  message(STATUS "ONNX Runtime ${ONNXRuntime_VERSION} with headers of API ${ONNXRuntime_api}: ${ONNXRuntime_LIBRARY}")
elseif(ONNXRuntime_reason)
  message(STATUS "ONNX Runtime cannot be used, so what needs it is left out: ${ONNXRuntime_reason}")
else()
  message(STATUS "ONNX Runtime is not there or not wanted: what needs it is left out "
                 "(cmake -P cmake/fetch-onnxruntime.cmake fetches it)")
endif()

# A test that says what is left out.
function(dpm_skip_without_onnxruntime test)
  add_test(NAME ${test} COMMAND ${CMAKE_COMMAND} -E echo "ONNX Runtime is not there: ${test} is left out")
  set_tests_properties(${test} PROPERTIES SKIP_REGULAR_EXPRESSION "ONNX Runtime is not there")
endfunction()

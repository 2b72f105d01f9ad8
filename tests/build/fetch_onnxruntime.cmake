# The script that fetches ONNX Runtime leaves a folder alone that is there already.
#
# cmake -D SCRIPT=<fetch-onnxruntime.cmake> -D OUTPUT=<folder> -P fetch_onnxruntime.cmake
cmake_minimum_required(VERSION 3.24)

file(WRITE ${OUTPUT}/mine/file "kept")
execute_process(COMMAND ${CMAKE_COMMAND} -D TO=${OUTPUT} -P ${SCRIPT} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${OUTPUT}/mine/file)
  message(FATAL_ERROR "${SCRIPT} has removed the folder that it was to fill")
endif()
if(NOT said MATCHES "ONNX Runtime is not fetched: ${OUTPUT} is there already; name a new folder")
  message(FATAL_ERROR "${SCRIPT} said '${said}'")
endif()

# Fetches ONNX Runtime for the tests and examples of dpm, by npm; some 260 MB go over the network.
#
#     cmake -P cmake/fetch-onnxruntime.cmake
#
# The folder build/onnxruntime, or another one (-D TO=<folder>, before -P), gets include/,
# lib/libonnxruntime.so and node_modules/ for those who run it from JavaScript. It must not be there
# before, unless it has the library: then nothing is done. What cannot be fetched is one line of
# output, and the folder is then not made.
cmake_minimum_required(VERSION 3.24)

if(NOT TO)
  set(TO ${CMAKE_CURRENT_LIST_DIR}/../build/onnxruntime)
endif()
cmake_path(ABSOLUTE_PATH TO NORMALIZE)
if(EXISTS ${TO}/lib/libonnxruntime.so)
  return()
endif()

function(give_up why)
  file(REMOVE_RECURSE ${TO}.part)
  message(STATUS "ONNX Runtime is not fetched: ${why}")
endfunction()

if(EXISTS ${TO})
  give_up("${TO} is there already; name a new folder")
  return()
endif()
cmake_host_system_information(RESULT platform QUERY OS_PLATFORM)
if(platform STREQUAL "x86_64")
  set(platform x64)
elseif(platform STREQUAL "aarch64")
  set(platform arm64)
endif()
if(NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux" OR NOT platform MATCHES "^(x64|arm64)$")
  give_up("the packages are unpacked for Linux on x64 and arm64; set ONNXRuntime_ROOT to your own")
  return()
endif()
find_program(NPM npm)
if(NOT NPM)
  give_up("there is no npm, which fetches it; install npm, or set ONNXRuntime_ROOT to your own")
  return()
endif()

# The library is in onnxruntime-node. A package for Unity has the headers, of the release before it:
# a library has the API of every release before its own.
set(library package/bin/napi-v6/linux/${platform})
set(headers package/Plugins/iOS~/onnxruntime.xcframework/ios-arm64/onnxruntime.framework/Headers)
set(packages onnxruntime-node onnxruntime-common com.github.asus4.onnxruntime)
set(versions 1.30.0 1.30.0 0.4.9)
set(hashes 6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75
           7906c439e0d3e0f4048caa23b64cdfadc0f455c377f579ce1ab2a4b778f07d5f
           e59788788818fdde1b2e522e766a21ba0f7d8391de55737abf81e32cc801785d)
set(wanted_of_onnxruntime-node package/package.json package/dist/* ${library}/*)
set(wanted_of_onnxruntime-common package/package.json package/dist/*)
set(wanted_of_com.github.asus4.onnxruntime ${headers}/*)

# In a folder of its own, so that TO is whole or not there.
set(part ${TO}.part)
file(REMOVE_RECURSE ${part})
foreach(name version expected IN ZIP_LISTS packages versions hashes)
  set(archive ${part}/${name}-${version}.tgz)
  file(MAKE_DIRECTORY ${part}/node_modules)
  message(STATUS "Fetching ${name} ${version} for the tests of dpm")
  execute_process(COMMAND ${NPM} pack --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=2000 ${name}@${version}
                  WORKING_DIRECTORY ${part} RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
  if(NOT status EQUAL 0 OR NOT EXISTS ${archive})
    string(REGEX MATCH "code [A-Z0-9]+" code "${said}")
    give_up("npm pack ${name}@${version} has failed, ${code}")
    return()
  endif()
  file(SHA256 ${archive} found)
  if(NOT found STREQUAL expected)
    give_up("the SHA-256 of ${name}-${version}.tgz is ${found}; it must be ${expected}")
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${part} PATTERNS ${wanted_of_${name}})
  file(REMOVE ${archive})
  if(EXISTS ${part}/${headers})
    file(RENAME ${part}/${headers} ${part}/include)
    file(REMOVE_RECURSE ${part}/package)
  else()
    file(RENAME ${part}/package ${part}/node_modules/${name})
  endif()
endforeach()

string(REPLACE package node_modules/onnxruntime-node library ${library})
file(MAKE_DIRECTORY ${part}/lib)
foreach(name libonnxruntime.so libonnxruntime.so.1)
  file(CREATE_LINK ../${library}/libonnxruntime.so.1 ${part}/lib/${name} SYMBOLIC)
endforeach()
file(RENAME ${part} ${TO})

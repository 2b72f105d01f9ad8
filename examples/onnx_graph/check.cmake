# Writes samplers into ONNX files, and checks that bad input is refused.
#
# cmake -D ONNX_GRAPH=<program> -D PLAN=<program> -D NETWORK=<unet.onnx> -D OUTPUT=<folder> -D PAGE=<page.md>
#       -D SHOWN=<draw.js> -D EXTERNAL=<external.onnx, whose weights are in external.weights> -P check.cmake
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})

# expect(<regex> <option>...): the program succeeds, prints what matches and writes a model.
function(expect regex)
  set(model ${OUTPUT}/sampler.onnx)
  file(REMOVE ${model})
  execute_process(COMMAND ${ONNX_GRAPH} ${NETWORK} ${model} ${ARGN} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "${regex}" OR NOT EXISTS ${model})
    message(SEND_ERROR "onnx_graph ${ARGN}: no file, or nothing matches ${regex} in\n${printed}")
  endif()
endfunction()

# expect_refusal(<regex> <option>...): the program fails, says what matches, and prints nothing.
function(expect_refusal regex)
  execute_process(COMMAND ${ONNX_GRAPH} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE said)
  if(status EQUAL 0 OR printed OR NOT said MATCHES "${regex}")
    message(SEND_ERROR "onnx_graph ${ARGN}: ended with ${status} and said '${said}'; expected ${regex}")
  endif()
endfunction()

expect("20 model calls; inputs start label; output sample.*times 0\\.9999[0-9]*\n$"
       --sampler "DPM++ 2M" --betas linear)
expect("6 model calls; inputs start draws label; .*draws is 5 standard" --sampler "Euler a" --steps 6 --guidance 2 --clip 1)

# The plan of the example next door.
execute_process(COMMAND ${PLAN} "DPM++ 2M SDE Karras" --steps 6 --format json --output ${OUTPUT}/plan.json
                COMMAND_ERROR_IS_FATAL ANY)
expect("6 model calls; inputs start draws label; .*times 0\\.997[0-9]*\ndraws is 5 standard" --plan ${OUTPUT}/plan.json)

# A plan in JSON with corrections: clipping is the one that a graph can do.
file(WRITE ${OUTPUT}/scheduler_config.json [[{"_class_name": "DDIMScheduler", "clip_sample": true}]])
execute_process(COMMAND ${PLAN} ${OUTPUT}/scheduler_config.json --steps 6 --format json --output ${OUTPUT}/clipped.json
                COMMAND_ERROR_IS_FATAL ANY)
expect("6 model calls; inputs start label; " --plan ${OUTPUT}/clipped.json --clip 1)
expect_refusal("asks for 6 corrections and no clip is given" ${NETWORK} ${OUTPUT}/none.onnx --plan ${OUTPUT}/clipped.json)

expect_refusal("cannot open nowhere\\.onnx" nowhere.onnx ${OUTPUT}/none.onnx)
expect_refusal("plan\\.json is not an ONNX model" ${OUTPUT}/plan.json ${OUTPUT}/none.onnx)
expect_refusal("no sampler is called \"eulre\"" ${NETWORK} ${OUTPUT}/none.onnx --sampler eulre)
expect_refusal("has no input \"time\" for the timestep" ${NETWORK} ${OUTPUT}/none.onnx --timestep-input time)
expect_refusal("no guidance is given" ${NETWORK} ${OUTPUT}/none.onnx --sampler euler_cfg_pp)
expect_refusal("excludes" ${NETWORK} ${OUTPUT}/none.onnx --plan ${OUTPUT}/plan.json --steps 5)
expect_refusal("cannot write" ${NETWORK} ${OUTPUT}/nowhere/sampler.onnx)
if(EXISTS ${OUTPUT}/none.onnx)
  message(SEND_ERROR "onnx_graph has written a file that it refuses")
endif()

# Weights in a file of their own go where the sampler goes, and nothing is written over.
cmake_path(GET EXTERNAL PARENT_PATH folder)
function(write_external to)
  execute_process(COMMAND ${ONNX_GRAPH} ${EXTERNAL} ${to} --steps 3 OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "its weights are in external\\.weights, which must stay beside it")
    message(SEND_ERROR "onnx_graph ${to} does not say where the weights are: ${printed}")
  endif()
endfunction()
foreach(time first second)
  write_external(${OUTPUT}/external.onnx)
  file(SHA256 ${folder}/external.weights before)
  file(SHA256 ${OUTPUT}/external.weights after)
  if(NOT before STREQUAL after)
    message(SEND_ERROR "onnx_graph has not copied the weights")
  endif()
endforeach()
file(WRITE ${OUTPUT}/others/external.weights "others")
expect_refusal("others/external\\.weights is there and is not .*write the sampler into another folder"
               ${EXTERNAL} ${OUTPUT}/others/none.onnx)
file(READ ${OUTPUT}/others/external.weights kept)
if(NOT kept STREQUAL "others" OR EXISTS ${OUTPUT}/others/none.onnx)
  message(SEND_ERROR "onnx_graph has written where it refuses to")
endif()
file(COPY ${EXTERNAL} DESTINATION ${OUTPUT}/alone)
expect_refusal("has weights in .*alone/external\\.weights, which is not there" ${OUTPUT}/alone/external.onnx ${OUTPUT}/none.onnx)
# A name of the same length that leads out of the folder.
execute_process(COMMAND sed s,external.weights,../ernal.weights,g ${EXTERNAL} OUTPUT_FILE ${OUTPUT}/alone/outside.onnx
                COMMAND_ERROR_IS_FATAL ANY)
expect_refusal("has weights in \\.\\./ernal\\.weights, which is not a file in its folder" ${OUTPUT}/alone/outside.onnx
               ${OUTPUT}/none.onnx)
# In the network's own folder nothing is copied.
file(COPY ${folder}/external.weights DESTINATION ${OUTPUT}/alone)
execute_process(COMMAND ${CMAKE_COMMAND} -E chdir ${OUTPUT}/alone ${ONNX_GRAPH} external.onnx sampler.onnx --steps 3
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

# The page shows the program in JavaScript as it is, from its first line of code on.
file(READ ${SHOWN} text)
string(FIND "${text}" "const ort" start)
string(SUBSTRING "${text}" ${start} -1 text)
file(READ ${PAGE} page)
string(FIND "${page}" "```js\n${text}```" found)
if(found EQUAL -1)
  message(SEND_ERROR "${PAGE} does not show ${SHOWN} as it is")
endif()

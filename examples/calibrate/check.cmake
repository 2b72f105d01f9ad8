# Calibrates to the digits, stops on the way and goes on; then to a network in ONNX Runtime, where NETWORK
# is one; and checks that bad options are refused.
# cmake -D CALIBRATE=<program> -D NETWORK=<labels.onnx> -D OUTPUT=<folder> -P check.cmake

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})
set(small --batch 8 --fine 24 --calls 3,5 --sweeps 1 --turns 0)

# calibrated(<folder> <expected> <option>...): the program succeeds, and what it says on both outputs matches.
function(calibrated folder expected)
  execute_process(COMMAND ${CALIBRATE} ${small} --output ${OUTPUT}/${folder} ${ARGN} OUTPUT_VARIABLE said
                  ERROR_VARIABLE said RESULT_VARIABLE status)
  if(NOT status EQUAL 0 OR NOT said MATCHES "${expected}")
    message(SEND_ERROR "${folder} ${ARGN}: ended with ${status}, and nothing matches '${expected}' in '${said}'")
  endif()
endfunction()

# expect_same(<what>): the plans and reports in two folders do not differ.
function(expect_same what)
  foreach(name plan_3.json plan_5.json reports.json)
    file(READ ${OUTPUT}/whole/${name} expected)
    file(READ ${OUTPUT}/resumed/${name} found)
    if(NOT found STREQUAL expected)
      message(SEND_ERROR "${what}: ${name} differs from that of a run in one go")
    endif()
  endforeach()
endfunction()

# keep_bytes(<count>): cuts the kept references off.
function(keep_bytes count)
  set(file ${OUTPUT}/resumed/references.bin)
  execute_process(COMMAND head -c ${count} ${file} OUTPUT_FILE ${file}.cut COMMAND_ERROR_IS_FATAL ANY)
  file(RENAME ${file}.cut ${file})
endfunction()

calibrated(whole "0 of 3 batches.*calls +base +calibrated +ratio +95 % +farther away\n +3 .*\n +5 [^\n]*[0-9] to [0-9.]+ +[0-9] of 6"
           --starts 24)
file(READ ${OUTPUT}/whole/plan_5.json plan)
string(JSON prediction GET "${plan}" prediction)
if(NOT prediction STREQUAL "noise")
  message(SEND_ERROR "plan_5.json is of the prediction '${prediction}'")
endif()

# References are kept as they are made: for fewer starts, then for more; cut off in the third batch, at
# its end, in the header; damaged in the second batch.
calibrated(resumed "0 of 2 batches" --starts 16)
calibrated(resumed "2 of 3 batches.*not of this calibration: all plans are fitted anew" --starts 24)
expect_same("more starts")
calibrated(resumed "3 of 3 batches.*3 calls: the plan is there\n5 calls: the plan is there\n" --starts 24)
file(SIZE ${OUTPUT}/whole/references.bin size)
math(EXPR batch "(${size} - 16) / 3")
math(EXPR two "16 + 2 * ${batch}")
math(EXPR in_third "${two} + 100")
foreach(case "${in_third};is cut off or damaged after batch 2: .*2 of 3" "${two};2 of 3 batches"
             "10;not of this calibration: it is now .*references.bin.old.*0 of 3" "16;0 of 3 batches"
             "0;not of this calibration.*0 of 3")
  list(GET case 0 count)
  list(GET case 1 expected)
  keep_bytes(${count})
  file(REMOVE ${OUTPUT}/resumed/plan_3.json)
  calibrated(resumed "${expected}.*3 calls: the fitted plan.*5 calls: the plan is there" --starts 24)
  expect_same("cut off after ${count} bytes")
endforeach()
math(EXPR in_second "16 + ${batch} + 1000")
keep_bytes(${in_second})
file(APPEND ${OUTPUT}/resumed/references.bin "not a state")
execute_process(COMMAND tail -c ${batch} ${OUTPUT}/whole/references.bin OUTPUT_FILE ${OUTPUT}/tail)
execute_process(COMMAND cat ${OUTPUT}/resumed/references.bin ${OUTPUT}/tail OUTPUT_FILE ${OUTPUT}/damaged)
file(RENAME ${OUTPUT}/damaged ${OUTPUT}/resumed/references.bin)
calibrated(resumed "is cut off or damaged after batch 1: .*1 of 3" --starts 24)
expect_same("damaged in the second batch")

# Other seeds have other references, and the old ones are kept aside.
calibrated(resumed "not of this calibration: it is now .*references.bin.old.*0 of 3.*calls +base" --starts 24 --seed 2)
calibrated(resumed "not of this calibration: it is now .*references.bin.old[2-9].*0 of 3" --starts 24)
expect_same("after another seed")

# Plans and reports that are cut off are made anew.
file(WRITE ${OUTPUT}/resumed/plan_5.json "{\"format\": ")
calibrated(resumed "3 calls: the plan is there\n.*plan_5.json is not as it was written.*5 calls: the fitted" --starts 24)
expect_same("a plan that is cut off")
# So is a plan from elsewhere, although it has as many calls.
file(READ ${OUTPUT}/whole/plan_5.json plan)
string(REGEX REPLACE "0\\.([0-9])" "0.0\\1" other "${plan}")
file(WRITE ${OUTPUT}/resumed/plan_5.json "${other}")
calibrated(resumed "3 calls: the plan is there\n.*plan_5.json is not as it was written.*5 calls: the fitted" --starts 24)
expect_same("another plan")
file(WRITE ${OUTPUT}/resumed/reports.json "{\"calibration\": ")
calibrated(resumed "reports.json is cut off or damaged.*3 calls: the.*5 calls: the" --starts 24)
expect_same("reports that are cut off")

# The plot, where gnuplot is installed.
find_program(GNUPLOT gnuplot)
if(GNUPLOT)
  calibrated(whole "5 calls: the plan is there" --starts 24 --plot ${OUTPUT}/plot.svg)
  file(READ ${OUTPUT}/plot.svg svg)
  foreach(word "<svg" "model calls" "calibrated" "digits")
    if(NOT svg MATCHES "${word}")
      message(SEND_ERROR "plot.svg has no '${word}'")
    endif()
  endforeach()
endif()

# On a terminal, which script makes, a bar shows the progress.
find_program(SCRIPT script)
if(SCRIPT AND CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  execute_process(
    COMMAND ${SCRIPT} --quiet --return --command
            "'${CALIBRATE}' --starts 16 --batch 8 --fine 24 --calls 3 --sweeps 0 --output '${OUTPUT}/seen'"
            ${OUTPUT}/terminal.txt
    OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
  if(NOT said MATCHES " 2 %, [0-9]+ [a-z]+ left.*\r[^ ]*K3 calls: ")
    message(SEND_ERROR "it shows no progress, or leaves the bar: '${said}'")
  endif()
endif()

# expect_refusal(<sentence> <option>...): the program fails and its message has the sentence.
function(expect_refusal sentence)
  execute_process(COMMAND ${CALIBRATE} ${small} ${ARGN} WORKING_DIRECTORY ${OUTPUT} RESULT_VARIABLE status OUTPUT_QUIET
                  ERROR_VARIABLE said)
  if(status EQUAL 0 OR NOT said MATCHES "${sentence}")
    message(SEND_ERROR "${ARGN}: ended with ${status} and said '${said}'")
  endif()
endfunction()

expect_refusal("--starts 20: it must be a multiple of --batch, 8" --starts 20)
expect_refusal("--starts: Value 11 not in range" --starts 11)
expect_refusal("cannot write nowhere/plot.svg" --starts 16 --plot nowhere/plot.svg)
expect_refusal("--fine: Value 19 not in range" --fine 19)
expect_refusal("cannot read the images in nowhere.csv" --images nowhere.csv)
expect_refusal("cannot make the folder" --output ${OUTPUT}/whole/reports.json/folder)
if(NOT NETWORK)
  return()
endif()

set(states 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20)
set(unet --network ${NETWORK} --shape 2,3)
set(inputs --input label=1,2,3 --input encoder_hidden_states=${states})
calibrated(network "0 of 2 batches.*3 calls: .*calls +base +calibrated" ${unet} ${inputs} --starts 16)
calibrated(network "2 of 2 batches.*5 calls: the plan is there" ${unet} ${inputs} --starts 16)
calibrated(network "not of this calibration.*0 of 2" ${unet} --input label=1,2,4 --input encoder_hidden_states=${states}
           --starts 16)
# Weights in a file beside the network are a part of it. Here an entry of ONNX's names one: bytes that are
# added to a file of this form are read after the others.
string(ASCII 114 17 10 8 entry)
string(ASCII 18 5 size)
file(WRITE ${OUTPUT}/entry "${entry}location${size}w.bin")
execute_process(COMMAND cat ${NETWORK} ${OUTPUT}/entry OUTPUT_FILE ${OUTPUT}/outside.onnx)
file(WRITE ${OUTPUT}/w.bin "weights")
set(outside --network ${OUTPUT}/outside.onnx --shape 2,3 ${inputs} --starts 16)
calibrated(outside "0 of 2 batches" ${outside})
calibrated(outside "2 of 2 batches.*5 calls: the plan is there" ${outside})
file(WRITE ${OUTPUT}/w.bin "others")
calibrated(outside "not of this calibration.*0 of 2" ${outside})
file(REMOVE ${OUTPUT}/w.bin)
expect_refusal("cannot open .*w.bin" ${outside})
calibrated(guided "0 of 2.*3 calls: .*calls +base" ${unet} ${inputs} --starts 16 --guidance 2 --without label=0
           --without encoder_hidden_states=${states} --schedule cosine)
expect_refusal("--network requires --shape" --network ${NETWORK})
expect_refusal("--shape requires --network" --shape 2,3)
expect_refusal("--flow-shift goes with --schedule flow" ${unet} ${inputs} --flow-shift 3)
expect_refusal("--without requires --guidance" ${unet} ${inputs} --without label=0)
expect_refusal("--images excludes --network|--network excludes --images" ${unet} ${inputs} --images digits.csv)
expect_refusal("no schedule is called square" ${unet} ${inputs} --schedule square)
expect_refusal("cannot open nowhere.onnx" --network nowhere.onnx --shape 2,3)
expect_refusal("it must be NAME=1,2,3 or NAME=@FILE" ${unet} --input label)
expect_refusal("\"x\" is not a number" ${unet} --input label=x)
expect_refusal("--input hue: the network has no input of this name" ${unet} ${inputs} --input hue=1)
expect_refusal("--input encoder_hidden_states: it has 3 values; a sample has 20" ${unet} --input
               label=1 --input encoder_hidden_states=1,2,3)
expect_refusal("--without encoder_hidden_states is missing: guidance needs it" ${unet} ${inputs} --guidance 2 --without
               label=0)

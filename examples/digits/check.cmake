# Runs a small comparison and looks at what it leaves; then checks that bad options are refused.
# cmake -D DIGITS=<program> -D OUTPUT=<folder> -P check.cmake

file(REMOVE_RECURSE ${OUTPUT})
execute_process(
  COMMAND ${DIGITS} --method ddim --method dpm++2m --calls 5 10 --count 8 --output ${OUTPUT} --hero
          ${OUTPUT}/hero.png
  OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)

foreach(picture digits.png hero.png)
  file(READ ${OUTPUT}/${picture} signature LIMIT 8 HEX)
  if(NOT signature STREQUAL "89504e470d0a1a0a")
    message(SEND_ERROR "${picture} is not a PNG")
  endif()
endforeach()

# At 10 calls the table's first block and the CSV agree, and DPM-Solver++ is ahead of DDIM.
file(STRINGS ${OUTPUT}/results.csv rows)
list(LENGTH rows count)
if(NOT count EQUAL 5)
  message(SEND_ERROR "results.csv has ${count} lines; expected a head and 2 x 2 cells")
endif()
string(REGEX MATCH "ddim,time,10,([0-9.e-]+)" found "${rows}")
set(ddim ${CMAKE_MATCH_1})
string(REGEX MATCH "dpm\\+\\+2m,lambda,10,([0-9.e-]+)" found "${rows}")
set(dpm_solver ${CMAKE_MATCH_1})
if(NOT dpm_solver LESS ddim)
  message(SEND_ERROR "10 calls: DPM-Solver++ has the error ${dpm_solver}, DDIM ${ddim}")
endif()
foreach(expected "DDIM +time +0\\." "DPM-Solver\\+\\+ 2 multistep +lambda +0\\." "digits\\.png")
  if(NOT table MATCHES "${expected}")
    message(SEND_ERROR "nothing in the output matches ${expected}")
  endif()
endforeach()

# expect_refusal(<sentence> <option>...): the program fails and its message has the sentence.
function(expect_refusal sentence)
  execute_process(COMMAND ${DIGITS} ${ARGN} RESULT_VARIABLE status OUTPUT_QUIET
                  ERROR_VARIABLE said)
  if(status EQUAL 0 OR NOT said MATCHES "${sentence}")
    message(SEND_ERROR "${ARGN}: ended with ${status} and said '${said}'")
  endif()
endfunction()

expect_refusal("--method: euler not in" --method euler)
expect_refusal("--calls: Value 0 not in range" --calls 0)
expect_refusal("--count: Value 0 not in range" --count 0)
expect_refusal("--seed: Value -1 not in range" --seed=-1)
expect_refusal("Pndm: model_calls = 1; it needs at least 2" --calls 1 --output ${OUTPUT})
expect_refusal("cannot read the images in nowhere.csv" --data nowhere.csv)
expect_refusal("line 1: expected 64 numbers" --data ${OUTPUT}/results.csv)
expect_refusal("cannot make the folder" --output ${OUTPUT}/results.csv/folder)

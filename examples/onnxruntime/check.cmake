# Runs both examples, looks at what they leave, and checks that bad options are refused.
# cmake -D DIGITS=<program> -D LATENTS=<program> -D OUTPUT=<folder> -P check.cmake

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})

# picture_of(<variable> <program> <option>...): the SHA-256 of the PNG that the program leaves.
function(picture_of variable program)
  set(picture ${OUTPUT}/picture.png)
  file(REMOVE ${picture})
  execute_process(COMMAND ${program} ${ARGN} --output ${picture} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${picture} signature LIMIT 8 HEX)
  if(NOT signature STREQUAL "89504e470d0a1a0a")
    message(SEND_ERROR "${program} ${ARGN}: the picture is not a PNG")
  endif()
  if(NOT said MATCHES "calls of the network, which took [0-9.]+ s: .*picture\\.png")
    message(SEND_ERROR "${program} ${ARGN}: it said '${said}'")
  endif()
  file(SHA256 ${picture} hash)
  set(${variable} ${hash} PARENT_SCOPE)
endfunction()

# expect_same(<picture> <picture> <what>) and expect_other
function(expect_same a b what)
  if(NOT a STREQUAL b)
    message(SEND_ERROR "${what}: the pictures differ")
  endif()
endfunction()
function(expect_other a b what)
  if(a STREQUAL b)
    message(SEND_ERROR "${what}: the pictures are the same")
  endif()
endfunction()

picture_of(digits ${DIGITS} --calls 5)
picture_of(again ${DIGITS} --calls 5)
picture_of(seeded ${DIGITS} --calls 5 --seed 2)
picture_of(others ${DIGITS} --calls 5 --digits 9,8,7,6,5,4,3,2,1,0)
expect_same(${digits} ${again} "the same seed")
expect_other(${digits} ${seeded} "another seed")
expect_other(${digits} ${others} "other digits")

# On a terminal, which script makes, a bar shows the progress.
find_program(SCRIPT script)
if(SCRIPT AND CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  foreach(program ${DIGITS} ${LATENTS})
    execute_process(COMMAND ${SCRIPT} --quiet --return --command "'${program}' --calls 4 --output '${OUTPUT}/picture.png'"
                            ${OUTPUT}/terminal.txt
                    OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
    if(NOT said MATCHES " 25 % of 4 model calls.* 100 % of 4 model calls\r[^ ]*K[0-9]+ [cd]")
      message(SEND_ERROR "${program}: it shows no progress, or leaves the bar: '${said}'")
    endif()
  endforeach()
endif()

picture_of(latents ${LATENTS} --calls 4)
foreach(change "--velocity" "--prompt;2" "--scale;1" "--strength;0.4")
  picture_of(changed ${LATENTS} --calls 4 ${change})
  expect_other(${latents} ${changed} "${change}")
endforeach()

# expect_refusal(<program> <sentence> <option>...): the program fails and its message has the sentence.
function(expect_refusal program sentence)
  execute_process(COMMAND ${program} ${ARGN} RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
  if(status EQUAL 0 OR NOT said MATCHES "${sentence}")
    message(SEND_ERROR "${program} ${ARGN}: ended with ${status} and said '${said}'")
  endif()
endfunction()

expect_refusal(${DIGITS} "--digits: Value 11 not in range" --digits 11)
expect_refusal(${DIGITS} "--calls: Value 0 not in range" --calls 0)
expect_refusal(${DIGITS} "nowhere.onnx" --network nowhere.onnx)
expect_refusal(${DIGITS} "cannot write the picture" --calls 1 --output ${OUTPUT}/nowhere/picture.png)
expect_refusal(${LATENTS} "--strength: Value 0 not in range" --strength 0)

# Saves a plan, runs it in C and compares the samples to the bit.
# cmake -D SAVE=<program> -D RUN=<program> -D OUTPUT=<folder> -P check.cmake

set(plan ${OUTPUT}/plan.json)
file(REMOVE ${plan})
execute_process(COMMAND ${SAVE} ${plan} OUTPUT_VARIABLE expected COMMAND_ERROR_IS_FATAL ANY)
if(NOT expected MATCHES "^mean 0\\.1[89][0-9] .*, standard deviation 0\\.3[0-3]")
  message(SEND_ERROR "the samples are not those of the data: ${expected}")
endif()

# expect_samples(<plan>): run_plan prints what save_plan printed.
function(expect_samples file)
  execute_process(COMMAND ${RUN} ${file} OUTPUT_VARIABLE samples COMMAND_ERROR_IS_FATAL ANY)
  if(NOT samples STREQUAL expected)
    message(SEND_ERROR "${file}: run_plan and save_plan do not print the same")
  endif()
endfunction()

expect_samples(${plan})
# The same JSON in another layout and order.
file(READ ${plan} text)
string(JSON other SET "${text}" version 2)
file(WRITE ${OUTPUT}/other_layout.json "${other}")
if(other STREQUAL text)
  message(SEND_ERROR "the layout has not changed")
endif()
expect_samples(${OUTPUT}/other_layout.json)

# A plan of another version, and one that is not there.
string(JSON newer SET "${text}" version 3)
file(WRITE ${OUTPUT}/newer.json "${newer}")
foreach(file newer.json nowhere.json)
  execute_process(COMMAND ${RUN} ${OUTPUT}/${file} RESULT_VARIABLE status OUTPUT_VARIABLE samples)
  if(status EQUAL 0 OR samples)
    message(SEND_ERROR "${file}: ended with ${status} and printed '${samples}'")
  endif()
endforeach()

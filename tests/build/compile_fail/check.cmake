# Compiles SOURCE twice: with DPM_FIXED it must succeed, without it must fail and say what the
# source's `// expect:` line says.
cmake_minimum_required(VERSION 3.24)

file(STRINGS ${SOURCE} expect REGEX "^// expect: ")
string(REGEX REPLACE "^// expect: +" "" expect "${expect}")
if(expect STREQUAL "")
  message(FATAL_ERROR "${SOURCE} has no line `// expect: <regex>`")
endif()

file(STRINGS ${SOURCE} options REGEX "^// with: ")
string(REGEX REPLACE "^// with: +" "" options "${options}")
separate_arguments(options UNIX_COMMAND "${options}")

# The declarations alone, which takes two thirds of the time.
set(compile ${COMPILER} ${STANDARD} -fsyntax-only -w -D DPM_SEPARATE ${INCLUDES})
execute_process(COMMAND ${compile} -D DPM_FIXED ${SOURCE} RESULT_VARIABLE fixed_status
                ERROR_VARIABLE fixed_errors)
execute_process(COMMAND ${compile} ${options} ${SOURCE} RESULT_VARIABLE status ERROR_VARIABLE errors)

if(NOT fixed_status EQUAL 0)
  message(NOTICE "${fixed_errors}")
  message(FATAL_ERROR "It should compile with DPM_FIXED defined.")
elseif(status EQUAL 0)
  message(FATAL_ERROR "It should not compile without DPM_FIXED defined.")
elseif(NOT errors MATCHES "${expect}")
  message(NOTICE "${errors}")
  message(FATAL_ERROR "The compiler should say: ${expect}")
endif()

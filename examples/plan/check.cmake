# Prints plans in every format and looks at them; then checks that bad input is refused.
# cmake -D PLAN=<program> -D RUN_ARRAY=<program> -D RUN_JSON=<program> -D OUTPUT=<folder> -P check.cmake
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE ${OUTPUT})
file(MAKE_DIRECTORY ${OUTPUT})

# expect(<regex> <option>...): the program succeeds and prints what matches.
function(expect regex)
  execute_process(COMMAND ${PLAN} ${ARGN} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "${regex}")
    message(SEND_ERROR "plan ${ARGN}: nothing matches ${regex} in\n${printed}")
  endif()
endfunction()

# expect_refusal(<regex> <option>...): the program fails, says what matches, and prints nothing.
function(expect_refusal regex)
  execute_process(COMMAND ${PLAN} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE said)
  if(status EQUAL 0 OR printed OR NOT said MATCHES "${regex}")
    message(SEND_ERROR "plan ${ARGN}: ended with ${status} and said '${said}'; expected ${regex}")
  endif()
endfunction()

# Tables: the first and the last level of 20 Karras steps, and those of a flow.
expect("   1 +999 +0\\.068[0-9]* +0\\.9976[0-9]* +14\\.614[0-9]* +-2\\.682" "DPM++ 2M Karras" --steps 20)
expect("  20 +0 +0\\.9995[0-9]* +0\\.0291[0-9]* +0\\.0291[0-9]* +3\\.534" "DPM++ 2M Karras" --steps 20)
expect("20 steps, 20 model calls, 0 noise draws" dpmpp_2m --scheduler karras --steps 20)
expect("   1 +1000 +0 +1 +inf +-inf\n   2 +900 +0\\.1 +0\\.9 " euler --scheduler simple --flow-shift 3 --steps 4)
expect("the model predicts flow" euler --scheduler simple --flow-shift 3 --steps 4)
expect("the model predicts velocity" euler --prediction velocity)
expect("20 noise draws" "Euler a" --eta 0.5 --scheduler karras --steps 21)
expect("dpmpp_2m .*\nscheduler .*\nkarras" --list)

# A scheduler_config.json.
set(config ${OUTPUT}/scheduler_config.json)
file(WRITE ${config} [[{"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
  "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "steps_offset": 1,
  "timestep_spacing": "leading", "prediction_type": "epsilon"}]])
set(trailing_config ${OUTPUT}/trailing_config.json)
file(WRITE ${trailing_config} [[{"_class_name": "EulerDiscreteScheduler", "beta_start": 0.00085, "beta_end": 0.012,
  "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "timestep_spacing": "trailing"}]])
expect("   1 +951 .*\n  20 +1 .*x is at first standard normal noise times 11\\.07" ${config} --steps 20)
expect("x is at first standard normal noise times 0\\.99" euler)
expect("x is at first the image with the noise" euler --denoise 0.5)

expect("   1 +301 .*\n   7 +1 .*x is at first the image with the noise" ${config} --steps 20 --strength 0.35)
expect("   1 +451 .*\n  10 +1 .*x is at first the image with the noise" ${config} --steps 20 --begin 10)
expect("   1 +934 .* 10 +-2\\.3.*\n   2 .* 2 +-0\\.6.*\n   3 .* 0\\.5 +0\\.6.*\n end .* 0 +inf\n" dpmpp_2m --sigmas 10,2,0.5,0)
expect("   1 +1000 +0 +1 .*\n   2 +500 +0\\.5 +0\\.5 .*\n end " euler --flow-shift 3 --sigmas 1,0.5,0)
expect("   1 +750 +0\\.25 +0\\.75 " dpm_2 --flow-shift 3 --sigmas 0.75,0.5,0)
expect("3 steps, 3 model calls" ${config} --sigmas 10,2,0.5,0)
expect("   1 +934 " --sigmas 10,2,0.5,0 dpmpp_2m)

# Sigmas that start below pure noise start from an image; rounded ones of pure noise do not.
set(of_image "x is at first the image with the noise")
expect("${of_image}" dpmpp_2m --sigmas 10,2,0.5,0)
expect("${of_image}" euler --flow-shift 3 --sigmas 0.75,0.5,0)
expect("${of_image}" ${config} --sigmas 10,2,0.5)
expect("x is at first standard normal noise times 0\\.99[0-9]*\\." dpmpp_2m --sigmas 14.615,2,0.5,0)
expect("x is at first standard normal noise times 1\\." euler --flow-shift 3 --sigmas 1,0.5,0)
expect("x is at first standard normal noise times 14\\.615" ${trailing_config} --sigmas 14.615,2,0.5)

# An inversion starts from the image.
set(inverse_config ${OUTPUT}/inverse_config.json)
file(WRITE ${inverse_config} [[{"_class_name": "DDIMInverseScheduler", "beta_start": 0.00085, "beta_end": 0.012,
  "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "clip_sample": false, "steps_offset": 1}]])
expect("x is at first the image, which the run turns into noise" ${inverse_config} --steps 10)

# Doubts are said beside the plan.
function(expect_doubt regex)
  execute_process(COMMAND ${PLAN} ${ARGN} OUTPUT_VARIABLE printed ERROR_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
  if(NOT said MATCHES "${regex}" OR NOT printed MATCHES "model calls")
    message(SEND_ERROR "plan ${ARGN}: said '${said}'; expected ${regex}")
  endif()
endfunction()
set(flow_config ${OUTPUT}/flow_config.json)
file(WRITE ${flow_config} [[{"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000,
  "shift": 1.0, "use_dynamic_shifting": false}]])
expect_doubt("plan: diffusers: FlowMatchEulerDiscreteScheduler is given no sigmas" ${flow_config} --steps 4)
expect_doubt("^$" ${flow_config} --sigmas 1,0.75,0.5,0.25)
expect_doubt("^$" ${flow_config} --sigmas 0.75,0.5,0.25)
expect("${of_image}" ${flow_config} --sigmas 0.75,0.5,0.25)
expect_doubt("^$" euler)

# JSON, read back and compared, and the C array, run to the same bits.
execute_process(COMMAND ${PLAN} "DPM++ 2M SDE Karras" --steps 6 --format json --output ${OUTPUT}/plan.json
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${RUN_JSON} ${OUTPUT}/plan.json OUTPUT_VARIABLE expected COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${RUN_ARRAY} OUTPUT_VARIABLE samples COMMAND_ERROR_IS_FATAL ANY)
if(NOT samples STREQUAL expected OR samples STREQUAL "")
  message(SEND_ERROR "run_array printed\n${samples}and run_json\n${expected}")
endif()
expect("static const struct dpm_instruction dpm_plan" "Euler" --format c)

# A title has the numbers that were given, whatever number of steps the plan has.
expect("^/\\* dpm_fast, 20 steps\n" dpm_fast --format c)
expect("^/\\* restart karras, 40 steps\n" restart --scheduler karras --steps 40 --format c)
expect("^/\\* euler, 4 steps, denoise 0\\.5\n" euler --steps 4 --denoise 0.5 --format c)
expect("^/\\* euler, 3 sigmas\n" euler --sigmas 10,1,0 --format c)
expect("scheduler_config\\.json, 20 steps, strength 0\\.35\n" ${config} --strength 0.35 --format c)
expect("scheduler_config\\.json, 20 steps, begin 10\n" ${config} --begin 10 --format c)
expect("^/\\* euler  /, 20 steps\n" "euler */" --format c)  # no end of the comment

# The plot, where gnuplot is installed.
find_program(GNUPLOT gnuplot)
if(GNUPLOT)
  expect("model calls" "DPM++ 2M Karras" --plot ${OUTPUT}/plan.svg)
  file(READ ${OUTPUT}/plan.svg svg)
  if(NOT svg MATCHES "<svg" OR NOT svg MATCHES "lambda")
    message(SEND_ERROR "plan.svg is no plot of lambda")
  endif()
  expect("model calls" euler --flow-shift 3 --plot ${OUTPUT}/flow.svg)
endif()

# A gnuplot that is not installed, and one that ends before it has read everything: a sentence.
set(folder ${OUTPUT}/programs)
file(MAKE_DIRECTORY ${folder})
foreach(round missing ends)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env PATH=${folder} ${PLAN} "Euler Karras" --steps 5000 --plot
                          ${OUTPUT}/never.svg RESULT_VARIABLE status OUTPUT_VARIABLE printed ERROR_VARIABLE said)
  if(NOT status EQUAL 1 OR printed OR NOT said MATCHES "gnuplot has not drawn .*never.svg; is it installed\\?")
    message(SEND_ERROR "plan --plot, gnuplot ${round}: ended with ${status} and said '${said}'")
  endif()
  file(WRITE ${folder}/gnuplot "#!/bin/sh\nexit 1\n")
  file(CHMOD ${folder}/gnuplot PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endforeach()

expect_refusal("no sampler is called \"eulre\"; the nearest names are euler" eulre)
expect_refusal("no scheduler is called \"kerras\"; the nearest names are karras" euler --scheduler kerras)
expect_refusal("to sample_adaptive" "DPM adaptive")
expect_refusal("cannot open nowhere\\.json" nowhere.json)
expect_refusal("no sampler is given")
expect_refusal("says itself" ${config} --flow-shift 3)
expect_refusal("go with a scheduler_config" euler --mu 1.15)
expect_refusal("with names give --denoise" euler --strength 0.35)
expect_refusal("with names give --denoise" euler --begin 3)
expect_refusal("says the levels itself" euler --sigmas 10,1,0 --steps 3)
expect_refusal("says the levels itself" euler --scheduler karras --sigmas 10,1,0)
expect_refusal("no sampler is called" "euler karras" --sigmas 10,1,0)
expect_refusal("strength = 1\\.5" ${config} --strength 1.5)
expect_refusal("ddim_uniform\" is the name of a scheduler" ddim_uniform)
expect_refusal("euler: eta = 0\\.5; this sampler has none" euler --eta 0.5)
expect_refusal("steps = 0" euler --steps 0)
expect_refusal("cannot write" euler --output ${OUTPUT}/nowhere/plan.txt)

# Fails unless README.md shows a program as it is, from its first #include on.
#
#   cmake -D README=<README.md> -D PROGRAM=<file> -P shown_in_readme.cmake
cmake_minimum_required(VERSION 3.24)

file(READ ${PROGRAM} text)
string(FIND "${text}" "#include" start)
string(SUBSTRING "${text}" ${start} -1 text)
file(READ ${README} readme)
string(FIND "${readme}" "```cpp\n${text}```" found)
if(found EQUAL -1)
  message(FATAL_ERROR "README.md does not show ${PROGRAM} as it is")
endif()

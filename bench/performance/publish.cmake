# Puts the figures and the plot of the last run into docs/.
#
#   cmake -D FOLDER=<figures> -D DOCS=<docs> -P publish.cmake
cmake_minimum_required(VERSION 3.24)

set(mark "<!-- What follows is written by the target publish_performance. -->\n")
file(READ ${DOCS}/performance.md page)
string(FIND "${page}" "${mark}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "docs/performance.md has no line ${mark}")
endif()
string(SUBSTRING "${page}" 0 ${at} page)
file(READ ${FOLDER}/figures.md figures)
file(WRITE ${DOCS}/performance.md "${page}${mark}\n${figures}")
file(COPY_FILE ${FOLDER}/performance.svg ${DOCS}/performance.svg)

# Puts what a measuring program has written into a page and its pictures beside it.
#
#   cmake -D TARGET=<the target that calls this> -D PAGE=<page.md> -D "TEXTS=<files>"
#         [-D FOLDER=<for the rest> -D "FILES=<pictures and tables>"] -P publish.cmake
#
# The page is kept down to the line that names the target, and from the line on that ends what the
# target writes, if there is one. The texts stand between.
cmake_minimum_required(VERSION 3.24)

set(mark "<!-- What follows is written by the target ${TARGET}. -->\n")
file(READ ${PAGE} page)
string(FIND "${page}" "${mark}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${PAGE} has no line ${mark}")
endif()
set(end_mark "<!-- Here ends what the target ${TARGET} writes. -->\n")
string(FIND "${page}" "${end_mark}" end)
set(rest "")
if(NOT end EQUAL -1)
  string(SUBSTRING "${page}" ${end} -1 rest)
  string(PREPEND rest "\n")
endif()
string(SUBSTRING "${page}" 0 ${at} page)
string(APPEND page "${mark}")
foreach(name IN LISTS TEXTS)
  file(READ ${name} text)
  string(REGEX REPLACE "^\n+" "" text "${text}")
  string(APPEND page "\n${text}")
endforeach()
file(WRITE ${PAGE} "${page}${rest}")
if(FILES)
  file(COPY ${FILES} DESTINATION ${FOLDER})
endif()

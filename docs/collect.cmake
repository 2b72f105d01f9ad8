# Copies what the site shows into the folder PAGES, with the repository's layout, so that the links of
# a page lead to the same files as they do here.
cmake_minimum_required(VERSION 3.24)

file(REMOVE_RECURSE ${PAGES})
file(MAKE_DIRECTORY ${PAGES}/api)
file(COPY ${SOURCE}/README.md ${SOURCE}/CONTRIBUTING.md ${SOURCE}/CHANGELOG.md ${SOURCE}/docs/mathematics.js
     DESTINATION ${PAGES})
file(COPY ${SOURCE}/docs ${SOURCE}/examples DESTINATION ${PAGES}
     FILES_MATCHING REGEX "\\.(md|png|svg|csv|json|cpp|hpp|c|h|py)$")
file(COPY ${KATEX}/katex.js ${KATEX}/katex.min.css ${KATEX}/contrib/auto-render.js DESTINATION ${PAGES}/katex)
file(REAL_PATH ${KATEX}/fonts fonts)  # a link
file(COPY ${fonts}/ DESTINATION ${PAGES}/katex/fonts)
file(COPY ${SOURCE}/docs/mkdocs.yml DESTINATION ${PAGES}/..)

# The words after ```cpp are for the tests; mkdocs would not take such blocks for code.
file(GLOB marked ${PAGES}/*.md ${PAGES}/docs/*.md)
foreach(page IN LISTS marked)
  file(READ ${page} text)
  string(REGEX REPLACE "\n```cpp [a-z-]+\n" "\n```cpp\n" text "${text}")
  file(WRITE ${page} "${text}")
endforeach()

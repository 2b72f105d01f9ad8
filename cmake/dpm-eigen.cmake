# Eigen, for those whose states are Eigen arrays: dpm itself does without.
# No version is asked for, because Eigen 3 and Eigen 5 both refuse the other's number.
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 QUIET NO_MODULE)
  if(Eigen3_FOUND AND Eigen3_VERSION VERSION_LESS 3.3)
    message(WARNING "States of dpm that are Eigen arrays need Eigen 3.3 or newer; "
                    "${Eigen3_DIR} has ${Eigen3_VERSION}")
  endif()
endif()

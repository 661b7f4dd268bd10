# Label isa: kernels, cache and model on every path of the kernels that this CPU can run. Its usual path is the one of
# unit.model; the others run here. A path that cannot run says why and counts as skipped. isa.hpp has the names.
set(isa_header ${CMAKE_CURRENT_LIST_DIR}/../include/kvx/kernels/isa.hpp)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${isa_header})
file(READ ${isa_header} isa_text)
if(NOT isa_text MATCHES "kNames\\[\\] = {([^}]+)}")
  message(FATAL_ERROR "${isa_header}: expected the names of the paths in kNames, found none")
endif()
string(REGEX MATCHALL "[a-z0-9]+" isa_paths ${CMAKE_MATCH_1})
foreach(path IN LISTS isa_paths)
  add_test(NAME isa.${path} COMMAND kvx_tests --isa=${path} --source-file=${kvx_isa_suites})
  set_tests_properties(isa.${path} PROPERTIES LABELS isa SKIP_RETURN_CODE 77)
endforeach()

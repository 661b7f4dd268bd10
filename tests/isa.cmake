# Label isa: kernels, cache and model on every path of the kernels that this CPU can run. Its usual path is the one of
# unit.model; the others run here. A path that cannot run says why and counts as skipped.
foreach(path portable avx2 avx512 avx512bf16 amx neon)
  add_test(NAME isa.${path} COMMAND kvx_tests --isa=${path} --source-file=${kvx_isa_suites})
  set_tests_properties(isa.${path} PROPERTIES LABELS isa SKIP_RETURN_CODE 77)
endforeach()

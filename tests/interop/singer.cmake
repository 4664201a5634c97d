# They use a processor, not the machine: others may run beside them.
foreach(side target tap)
    selvedge_process_test(NAME singer_${side}_test LABEL interop SCRIPT singer_${side}_test.py TIMEOUT 900)
    set_tests_properties(singer_${side}_test PROPERTIES RUN_SERIAL FALSE)
endforeach()

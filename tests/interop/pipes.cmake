# Clients of Dagster Pipes that others wrote: from PyPI, npm and crates.io.
foreach(name python typescript rust)
    selvedge_process_test(NAME pipes_${name}_test LABEL interop SCRIPT pipes_${name}_test.py TIMEOUT 900)
    set_tests_properties(pipes_${name}_test PROPERTIES RESOURCE_LOCK "" COST 100)
endforeach()

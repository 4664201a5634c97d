# A real PostgreSQL of its own; skipped where that is not installed.
if(SELVEDGE_WITH_POSTGRES AND SELVEDGE_WITH_MODBUS)
    selvedge_process_test(NAME connectors_by_definitions_test LABEL process SCRIPT connectors_test.py TIMEOUT 180)
endif()
selvedge_process_test(NAME lean_build_test LABEL process SCRIPT lean_build_test.py)

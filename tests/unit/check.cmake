# The quick checks of ./dev check, so that they fail here and not only in CI.
function(selvedge_check name)
    add_test(NAME check_${name} COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/check/${name}.py ${ARGN})
    set_tests_properties(check_${name} PROPERTIES LABELS unit TIMEOUT 120 SKIP_RETURN_CODE 77
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
endfunction()

selvedge_check(includes)
selvedge_check(source)
selvedge_check(limits)
selvedge_check(links)
selvedge_check(log_events)
selvedge_check(sql_scans)
selvedge_check(reference ${PROJECT_BINARY_DIR}/bin)
selvedge_check(format)
selvedge_check(man ${PROJECT_BINARY_DIR}/bin)
selvedge_check(self_test)

add_executable(yaml_samples ${PROJECT_SOURCE_DIR}/tests/check/yaml_samples.c)
target_link_libraries(yaml_samples PRIVATE common_yaml common_platform common_base project_options)
set_target_properties(yaml_samples PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
selvedge_check(samples $<TARGET_FILE:yaml_samples>)

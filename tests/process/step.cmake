selvedge_process_test(NAME agent_step LABEL process SCRIPT step_test.py)
selvedge_process_test(NAME sql_checks LABEL process SCRIPT sql_checks_test.py)
# 25 kills; with `./dev test --long` 500.
selvedge_process_test(NAME kill LABEL process SCRIPT kill_test.py TIMEOUT 3600)
selvedge_process_test(NAME progress LABEL process SCRIPT progress_test.py)

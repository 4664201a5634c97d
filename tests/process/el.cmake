selvedge_process_test(NAME el_jaffle_test LABEL process SCRIPT el_jaffle_test.py)
selvedge_process_test(NAME el_load_test LABEL process SCRIPT el_load_test.py)
selvedge_process_test(NAME el_error_test LABEL process SCRIPT el_error_test.py)
selvedge_process_test(NAME el_crash_test LABEL process SCRIPT el_crash_test.py TIMEOUT 600)

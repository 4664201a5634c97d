selvedge_process_test(NAME schedules_test LABEL process SCRIPT schedules_test.py TIMEOUT 300)

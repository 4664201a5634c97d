selvedge_process_test(NAME desired LABEL process SCRIPT desired_test.py TIMEOUT 240)

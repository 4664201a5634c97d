selvedge_process_test(NAME commands LABEL process SCRIPT commands_test.py TIMEOUT 180)

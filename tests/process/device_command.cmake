selvedge_process_test(NAME device_command LABEL process SCRIPT device_command_test.py TIMEOUT 300)

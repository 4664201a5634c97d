selvedge_process_test(NAME device_command LABEL process SCRIPT device_command_test.py TIMEOUT 300)
selvedge_process_test(NAME command_by_hand LABEL process SCRIPT command_by_hand_test.py TIMEOUT 120)

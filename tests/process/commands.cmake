selvedge_process_test(NAME commands LABEL process SCRIPT commands_test.py TIMEOUT 180)
selvedge_process_test(NAME commands_agent LABEL process SCRIPT commands_agent_test.py TIMEOUT 240)

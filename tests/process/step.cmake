selvedge_process_test(NAME agent_step LABEL process SCRIPT step_test.py)

selvedge_process_test(NAME meltano_cli_test LABEL process SCRIPT meltano_cli_test.py TIMEOUT 120)
selvedge_process_test(NAME el_meltano_test LABEL process SCRIPT el_meltano_test.py)
selvedge_process_test(NAME meltano_agent_test LABEL process SCRIPT meltano_agent_test.py TIMEOUT 300)

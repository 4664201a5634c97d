selvedge_process_test(NAME chaos LABEL process SCRIPT chaos_test.py TIMEOUT 900)
selvedge_process_test(NAME strangers LABEL process SCRIPT strangers_test.py TIMEOUT 180)
selvedge_process_test(NAME jaffle_fleet LABEL process SCRIPT jaffle_fleet_test.py TIMEOUT 180)
selvedge_process_test(NAME agent_cli LABEL process SCRIPT agent_cli_test.py TIMEOUT 180)

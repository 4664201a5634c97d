selvedge_process_test(NAME web_process LABEL process SCRIPT web_test.py TIMEOUT 300)
selvedge_process_test(NAME web_live LABEL process SCRIPT web_live_test.py TIMEOUT 1800)
selvedge_process_test(NAME web_contract LABEL process SCRIPT web_contract_test.py TIMEOUT 300)
selvedge_process_test(NAME web_hostile LABEL process SCRIPT web_hostile_test.py TIMEOUT 300)

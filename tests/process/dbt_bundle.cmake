selvedge_process_test(NAME dbt_bundle_cli LABEL process SCRIPT dbt_bundle_test.py TIMEOUT 600)

{{ config(materialized='table') }}
with recursive t(n) as (select 1 union all select n + 1 from t where n < {{ env_var('SHOP_STEPS', '3') }})
select count(*) as steps from t, {{ ref('sales') }} where amount > 0

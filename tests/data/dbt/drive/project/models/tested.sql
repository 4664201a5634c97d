select amount from {{ ref('sales') }}

-- in a folder with the name of a model
select amount, count(*) as orders from {{ ref('sales') }} group by amount

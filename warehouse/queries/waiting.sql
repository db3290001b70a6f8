-- What is waiting for a person, or for evidence?
select kind, locale, what, because, users, how
from waiting
order by case kind when 'model' then 0 when 'message' then 1 when 'rewrite' then 2 when 'label' then 3 else 4 end,
    users desc nulls last, locale, what
limit 40

-- When each locale was launched: the first day by which :k users had spoken it; where fewer ever did, the first on which
-- anybody spoke it.
-- reads people: what people said in the window
-- takes :k
with met as (
    select locale, user_id, min(day) as day
    from people
    group by locale, user_id
),
ranked as (
    select locale, day, row_number() over (partition by locale order by day, user_id) as place
    from met
)
select locale, coalesce(min(case when place = :k then day end), min(day)) as launched
from ranked
group by locale

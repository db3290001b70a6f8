-- The wordings of the window: how often, by how many users, on which days.
select
    locale,
    utterance,
    cast(count(*) as bigint) as turns,
    cast(count(distinct user_id) as bigint) as users
from turns
group by locale, utterance

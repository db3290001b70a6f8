-- Distinct users of each channel of a locale.
-- reads people: what people said in the window
select t.locale, coalesce(t.channel, '') as channel, cast(count(distinct t.user_id) as bigint) as users
from people as t
group by t.locale, coalesce(t.channel, '')

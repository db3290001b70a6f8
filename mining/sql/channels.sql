-- Distinct users of each channel of a locale.
select t.locale, coalesce(t.channel, '') as channel, cast(count(distinct t.user_id) as bigint) as users
from people as t
group by t.locale, coalesce(t.channel, '')

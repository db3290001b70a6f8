-- What users give to the wordings of the window, as they are shown: a user gives 1 / sqrt(n) to each of
-- n wordings, at most :most of them, in millionths. Which ones, a hash of user and wording says.
-- reads people: what people said in the window
-- reads released: locale, utterance, shown
-- takes :most
with said as (
    select distinct t.user_id, s.locale, s.shown
    from people as t
    inner join released as s on t.locale = s.locale and t.utterance = s.utterance
),
chosen as (
    select user_id, locale, shown
    from (
        select
            *,
            row_number() over (
                partition by user_id order by md5(concat(user_id, locale, shown)), locale, shown
            ) as item
        from said
    ) as ranked
    where item <= :most
),
shared as (
    select locale, shown, count(*) over (partition by user_id) as items from chosen
)
select
    locale,
    shown,
    cast(
        sum(cast(floor(1000000 / sqrt(cast(items as double))) as bigint)) as double
    ) / cast(1000000 as double) as given
from shared
group by locale, shown

-- Wordings whose meaning moved, as the newest night found it by who came back: what was voted for them before counts little, and
-- they are learned again. One in twenty may be none. Wordings said by k users or more.
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- label: the intent by which it shows most
-- since: first day that counts as new
-- fled_before: share of its users who said it again after that intent ran, before that day
-- fled: and from that day on
select
    m.locale,
    s.shown as utterance,
    m.label,
    cast(m.since as date) as since,
    share(m.fled_before / (m.fled_before + m.stayed_before)) as fled_before,
    share(m.fled / (m.fled + m.stayed)) as fled
from lake_concept_drift as m
inner join said as s on m.locale = s.locale and m.utterance = s.utterance
where
    m.stayed_before + m.fled_before >= $k and m.stayed + m.fled >= $k
    and (m.locale, m.label) in (
        select locale, intent from lake_daily_intents where day = 'all' and users >= $k
    )

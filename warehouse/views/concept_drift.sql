-- Wordings whose meaning moved, as the newest night found it by who came back: what was voted for them before counts little, and
-- they are learned again. One in twenty may be none. Wordings said by k users or more.
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- label: the intent by which it shows most
-- since: first day that counts as new
-- reformulated_before: share of its users who said it again after that intent ran, before that day
-- reformulated: and from that day on
select
    m.locale,
    s.shown as utterance,
    m.label,
    cast(m.since as date) as since,
    share(m.reformulated_before / (m.reformulated_before + m.accepted_before)) as reformulated_before,
    share(m.reformulated / (m.reformulated + m.accepted)) as reformulated
from lake_concept_drift as m
inner join said as s on m.locale = s.locale and m.utterance = s.utterance
where
    m.accepted_before + m.reformulated_before >= $k and m.accepted + m.reformulated >= $k
    and (m.locale, m.label) in (
        select locale, intent from lake_daily_intents where day = 'all' and users >= $k
    )

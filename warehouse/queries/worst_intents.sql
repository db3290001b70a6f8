-- Which intents fail most of their turns, and how sure is that?
select
    locale, coalesce(intent, '(no hypothesis)') as intent, turns,
    round(defects / turns, 3) as failed,
    defects_at_least as at_least,
    defects_at_most as at_most
from intent_totals
order by defects desc nulls last, locale, intent
limit 20

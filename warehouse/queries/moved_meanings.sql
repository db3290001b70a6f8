-- Which wordings no longer mean what they did? By who came back; what was voted for them before counts little.
select locale, utterance, label, since, fled_before, fled
from concept_drift
order by abs(fled - fled_before) desc, locale, utterance

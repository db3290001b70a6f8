-- Which wordings no longer mean what they did? By who came back; what was voted for them before counts little.
select locale, utterance, label, since, reformulated_before, reformulated
from concept_drift
order by abs(reformulated - reformulated_before) desc, locale, utterance

-- Which wordings are waiting for evidence?
select locale, utterance, label, probability, users
from soft_labels
qualify row_number() over (partition by locale, utterance order by probability desc, label) = 1
    and probability < 0.5
order by users desc nulls last, locale, utterance
limit 20

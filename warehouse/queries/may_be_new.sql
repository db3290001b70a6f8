-- What may be an intent that the assistant does not know?
select locale, representative, array_to_string(examples[2:], ' · ') as others, users, wordings, well, label as nearest_label,
    explained, since
from intent_candidates
order by users desc, locale, representative
limit 20

-- Where does it hurt most? Wordings that users gave up, by how many of them did.
select locale, source, target, users, occurrences, p_same
from rephrases
order by users desc nulls last, occurrences desc nulls last, p_same desc nulls last, locale, source, target
limit 20

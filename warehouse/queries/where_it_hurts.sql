-- Where does it hurt most? Wordings that users gave up, by how many of them did.
select locale, source, target, users, occurrences, round(p_same, 2) as p_same
from rephrases
order by users desc nulls last, occurrences desc nulls last, source
limit 20

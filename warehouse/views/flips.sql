-- Wordings that the champion had right and a challenger has wrong, of those said by k users or more.
-- challenger: model that wants to serve
-- locale: BCP 47 tag
-- utterance: wording, as it may be shown
-- intent: what it means
select distinct f.challenger, f.locale, s.shown as utterance, f.intent
from all_flips as f
inner join said as s on f.locale = s.locale and f.utterance = s.utterance

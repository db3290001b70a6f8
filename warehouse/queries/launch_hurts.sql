-- Which wordings hurt most since a launch?
select locale, utterance, failed, turns, users, label, probability
from launch_hurts
qualify row_number() over (partition by locale order by failed desc, utterance) <= 10
order by failed desc, locale, utterance

-- Are probabilities what they say? What was believed, and what users who were held back showed.
select locale, bucket, users, bent as believed, observed, round(bent - observed, 2) as too_sure_by
from calibration
order by abs(bent - observed) desc, locale, bucket

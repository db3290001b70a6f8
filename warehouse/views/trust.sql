-- What the log can tell, night by night. What it cannot tell at all is neither taught nor proposed.
-- night: night
-- subject: pairs (what says what again), failures (which turns failed their users), labels (what wordings mean) or rewrites
-- verdict: well, weakly, or not at all
-- because: why not better; empty where there is nothing to say
select cast(day as date) as night, subject, verdict, because from lake_trust

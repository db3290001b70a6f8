-- What the log can tell, as the newest night judged it. What it cannot tell at all is neither taught nor proposed.
-- subject: pairs (what says what again), failures (which turns failed their users), labels (what wordings mean) or rewrites
-- verdict: well, weakly, or not at all
-- because: why not better; empty where there is nothing to say
select subject, verdict, because from lake_trust

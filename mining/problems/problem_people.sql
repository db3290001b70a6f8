-- Who met each problem, which is of wordings under a hypothesis: turns that ran as they were said.
-- reads grouped: locale, utterance, intent, problem_id
-- reads people: what people said in the newest days
with met as (
    select g.problem_id, t.user_id, t.day, count(*) as turns
    from people as t
    inner join grouped as g
        on t.locale = g.locale and t.utterance = g.utterance and coalesce(t.best_intent, '') = g.intent
    where t.ran = t.utterance
    group by g.problem_id, t.user_id, t.day
)
select
    problem_id,
    cast(sum(turns) as bigint) as turns,
    cast(count(distinct user_id) as bigint) as users,
    cast(count(*) as bigint) as user_days
from met
group by problem_id

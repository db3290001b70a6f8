-- Days of a locale since its launch, with k users or more: what failed, and how much of it could be mended, as is believed now
-- and as it was believed then. Both shares are estimates without truth, as in the view launches.
-- locale: BCP 47 tag
-- day: day, UTC
-- since: days since the launch, 0 on its day
-- turns: turns, to a multiple of k, as all counts here
-- users: distinct users
-- failed: turns that failed their users, expected number; null where those of fewer than k users did
-- failed_share: the same as a share of the turns
-- failed_at_least: what that share exceeds in nineteen cases of twenty
-- failed_at_most: what it does not exceed in nineteen cases of twenty
-- recovered: of the turns that failed, how many could be mended by now, expected number; null where of fewer than k users
-- recovered_share: the same as a share of the turns that failed
-- recovered_then: the recovered share of the whole window, as the night of the day believed it; null where there was no such night
with counted as (
    select
        *,
        few_of(turns, users) as spoken,
        few_of(failed, users_failed) as bad,
        few_of(recovered, users_recovered) as mended
    from lake_launch_days
    where users >= $k
)
select
    locale,
    cast(day as date) as day,
    since,
    spoken as turns,
    few(users) as users,
    bad as failed,
    share(bad / spoken) as failed_share,
    at_least(bad, spoken) as failed_at_least,
    at_most(bad, spoken) as failed_at_most,
    mended as recovered,
    case when bad is not null and mended is not null then share(least(1, mended / bad)) end as recovered_share,
    share(recovered_then) as recovered_then
from counted

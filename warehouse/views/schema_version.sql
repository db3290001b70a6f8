-- The version of this warehouse's views, the night that it shows, and the floor under which nothing is published.
-- schema_version: grows when a view changes its meaning
-- night: newest night that is finished; null before the first
-- k: distinct users that anything published needs
select schema_version, cast(night as date) as night, cast($k as bigint) as k
from about

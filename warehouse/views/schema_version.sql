-- The version of this warehouse's views, and the floor under which nothing is published.
-- schema_version: grows when a view changes its meaning
-- k: distinct users that anything published needs
select schema_version, cast($k as bigint) as k from about

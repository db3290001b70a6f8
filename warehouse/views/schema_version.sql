-- The version of this warehouse's views.
-- schema_version: grows when a view changes its meaning
select schema_version from about

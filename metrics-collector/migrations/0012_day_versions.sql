-- How often rows of tiers of a day, since 1970, have changed: what is remembered of them is true of one version. A day
-- without a row here has none in the tiers.
create table day_versions (
    day     integer primary key,
    version integer not null
) strict;
with recursive days (day) as (
    select min(place) >> 28 from hours
    union all
    select (select min(place) >> 28 from hours where place >= (days.day + 1) << 28) from days where days.day is not null
)
insert into day_versions select day, 1 from days where day is not null;

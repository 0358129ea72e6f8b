-- A rule that is paused wants nothing.
alter table rules add column is_paused integer not null default 0;

-- A rule that is paused tells of nothing.
alter table alert_rules add column is_paused integer not null default 0;
-- Unix milliseconds: what is older does not count, since the rule was paused. Null: everything counts.
alter table alert_rules add column counts_from integer;

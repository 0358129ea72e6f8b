-- A rule that is paused is not looked at, and its lines have no state.
alter table alert_rules add column is_paused integer not null default 0;

-- Since when a source's log is nowhere to be found, in Unix milliseconds. A log may be absent for a moment only:
-- its position is kept for a week. Null: it is there.
alter table positions add column gone_ms integer;

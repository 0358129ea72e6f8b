-- Entries up to this one were told of: by ids, as times may be ahead of the clock or come late. Null: none was since
-- this is known, and `told_at` says which.
alter table alert_rules add column told_to_id integer;

-- The day of the latest request of a group, since 1970: what is older than all that is kept is forgotten. Of groups from
-- before nobody knows, so they count as of today.
alter table request_groups add column last_day integer not null default 0;
update request_groups set last_day = unixepoch() / 86400;

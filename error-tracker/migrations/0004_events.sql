-- Which reports are one group: keys of domain/grouping.rs. A group keeps all it ever had.
create table group_keys (
    project text not null,
    -- Rule and digest. Rule 0: fingerprint and type, as before there were rules.
    key text not null,
    group_id integer not null references groups (id) on delete cascade,
    primary key (project, key)
) strict, without rowid;

create index group_keys_group on group_keys (group_id);

insert into group_keys (project, key, group_id)
select project, '0:' || fingerprint || ':' || exception_type, id from groups;

drop index groups_identity;

-- No group gets the number of one that was deleted: mails and bookmarks would lead to another.
alter table intake add column last_group_id integer not null default 0;
update intake set last_group_id = (select ifnull(max(id), 0) from groups);

-- Of the newest report.
alter table groups add column level text not null default 'error';
-- Of the newest report that named one.
alter table groups add column release text;
alter table groups add column n_users integer not null default 0;

-- JSON of domain::grouping::Grouping: why its reports are one group.
alter table first_reports add column grouping text;

-- zstd of the JSON of domain::report::Rich; null: there is nothing in it.
alter table occurrences add column rich blob;
alter table journal add column rich blob;

alter table journal add column level text not null default 'error';
alter table journal add column user_id text;
-- JSON list of pairs: tags, environment, release, server_name.
alter table journal add column tags text;
update journal set tags = json_array(json_array('environment', environment)) where environment is not null;

-- How many reports of a group had a value; `environment` and `release` are tags as well.
create table group_tags (
    group_id integer not null references groups (id) on delete cascade,
    name text not null,
    value text not null,
    n integer not null,
    first_seen_at integer not null,
    last_seen_at integer not null,
    primary key (group_id, name, value)
) strict, without rowid;

create index group_tags_value on group_tags (name, value, group_id);

-- What was counted before there were tags is known of the kept reports only.
insert into group_tags (group_id, name, value, n, first_seen_at, last_seen_at)
select e.group_id, 'environment', e.environment,
       max(1, (select count(*) from occurrences o
               where o.place between g.id << 10 and g.id << 10 | 1023 and o.environment = e.environment)),
       g.first_seen_at, g.last_seen_at
from group_environments e
join groups g on g.id = e.group_id;

drop table group_environments;

-- Users hit: one row each. The number is the first 8 bytes of a digest of the user's id.
create table group_users (
    group_id integer not null references groups (id) on delete cascade,
    user integer not null,
    primary key (group_id, user)
) strict, without rowid;

create index group_users_user on group_users (user, group_id);

-- Reports per hour, for ever.
create table group_hours (
    group_id integer not null references groups (id) on delete cascade,
    -- Unix time / 3600 s
    hour integer not null,
    n integer not null,
    primary key (group_id, hour)
) strict, without rowid;

-- Ids that clients sent, so that the same report sent twice counts once.
create table event_ids (
    -- The first 8 bytes of a digest of it and its project.
    id integer primary key,
    group_id integer not null,
    -- Unix time / 86400 s; after a week they are dropped.
    day integer not null
) strict;

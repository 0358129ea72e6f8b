-- What people do with groups: merge them, resolve them in a release, snooze them, write notes.

-- A merged group goes on counting for itself, so that it can be taken out again; lists show the one it is merged into.
alter table groups add column merged_into integer references groups (id);
-- Reports of the groups merged into it. Its times and users are those of all of them.
alter table groups add column n_merged integer not null default 0;
alter table groups add column is_snoozed integer not null default 0;
-- Resolved in the next release: the newest one as it was resolved. Null: any report reopens it.
alter table groups add column resolved_after text;
-- Of its first report.
alter table groups add column first_release text;

-- What is asked first, and counted: which are open.
drop index groups_last_seen;
create index groups_last_seen on groups (is_resolved, is_snoozed, last_seen_at, id, project, level, is_browser)
where merged_into is null;
drop index groups_project;
create index groups_project on groups (project, merged_into, is_resolved, is_snoozed);
create index groups_first_seen on groups (is_resolved, is_snoozed, first_seen_at) where merged_into is null;
create index groups_count on groups (is_resolved, is_snoozed, n_occurrences + n_merged) where merged_into is null;
create index groups_users on groups (is_resolved, is_snoozed, n_users) where merged_into is null;
create index groups_browser on groups (is_resolved, is_snoozed) where is_browser = 1 and merged_into is null;
create index groups_merged on groups (merged_into) where merged_into is not null;
create index groups_new_in on groups (project, first_release) where first_release is not null;

-- In another order: what is searched comes before what is long.
create table first_reports_new (
    group_id integer primary key references groups (id) on delete cascade,
    message text not null,
    -- "shop.py in checkout": where it happened, for lists.
    culprit text,
    -- The group's first_seen_at may be that of a merged one.
    received_at integer not null,
    traceback text not null,
    -- JSON of domain::grouping::Grouping: why its reports are one group.
    grouping text
) strict;

insert into first_reports_new (group_id, message, culprit, received_at, traceback, grouping)
select f.group_id, f.message, f.culprit, g.first_seen_at, f.traceback, f.grouping
from first_reports f
join groups g on g.id = f.group_id;

drop table first_reports;
alter table first_reports_new rename to first_reports;

-- Frames and tags are searched as well; rowid = groups.id.
drop table group_search;
create virtual table group_search using fts5 (
    exception_type,
    message,
    culprit,
    frames,
    tags,
    content = '',
    contentless_delete = 1,
    tokenize = 'trigram'
);

-- Groups up to this one are in the search index; it takes many at once.
alter table intake add column searched_id integer not null default 0;

create table snoozes (
    group_id integer primary key references groups (id) on delete cascade,
    since integer not null,
    -- Whichever comes first; at least one of them is there.
    until_at integer,
    until_n_occurrences integer,
    until_n_users integer
) strict;

-- Order of id is order of first sight.
create table releases (
    id integer primary key,
    project text not null,
    version text not null,
    first_seen_at integer not null,
    last_seen_at integer not null,
    n integer not null
) strict;

create unique index releases_version on releases (project, version);

insert into releases (project, version, first_seen_at, last_seen_at, n)
select g.project, t.value, min(t.first_seen_at), max(t.last_seen_at), sum(t.n)
from group_tags t
join groups g on g.id = t.group_id
where t.name = 'release' and t.value <> '__other__'
group by g.project, t.value
order by 3;

-- What happened to a group beside reports, oldest first.
create table activities (
    id integer primary key,
    group_id integer not null references groups (id) on delete cascade,
    at integer not null,
    -- resolved, reopened, regressed, snoozed, woken, spiked, merged, unmerged, note
    kind text not null,
    -- Name of the key; null: the tracker itself.
    author text,
    -- Text of a note, release, number of a group, …
    detail text
) strict;

create index activities_group on activities (group_id, id);

-- Hours older than a month, added up. Unix time / 86400 s.
create table group_days (
    group_id integer not null references groups (id) on delete cascade,
    day integer not null,
    n integer not null,
    primary key (group_id, day)
) strict, without rowid;

create index group_hours_hour on group_hours (hour);

-- Reports by tag and day, for ever: the newest day of each is in group_tags. Unix time / 86400 s.
alter table group_tags add column day integer not null default 0;
alter table group_tags add column n_of_day integer not null default 0;

create table group_tag_days (
    group_id integer not null references groups (id) on delete cascade,
    name text not null,
    value text not null,
    day integer not null,
    n integer not null,
    primary key (group_id, name, value, day)
) strict, without rowid;

-- Events that were counted and not stored, and why. Unix time / 86400 s.
create table filtered_days (
    day integer not null,
    project text not null,
    -- As in domain/noise.rs.
    reason text not null,
    n integer not null,
    primary key (day, project, reason)
) strict, without rowid;

-- One row per group of equal errors. Kept narrow: it is rewritten as reports come.
create table groups (
    id integer primary key,
    -- 32 hexadecimal digits, as clients see it. Not unique alone: its parts are joined ambiguously.
    fingerprint text not null,
    project text not null,
    exception_type text not null,
    -- Of the newest report that named one.
    environment text,
    -- 1 once any report came from a browser.
    is_browser integer not null default 0,
    n_occurrences integer not null,
    first_seen_at integer not null,
    last_seen_at integer not null,
    is_resolved integer not null default 0,
    resolved_at integer,
    reopened_at integer,
    -- Of the first message and traceback: an occurrence with the same does not store them again.
    text_hash integer not null,
    -- Reports in the journal up to this one are counted and kept.
    folded_seq integer not null default 0
) strict;

create unique index groups_identity on groups (fingerprint, project, exception_type);
create index groups_last_seen on groups (is_resolved, last_seen_at);
-- Without a time: each report would rewrite its entry.
create index groups_project on groups (project);
create index groups_resolved on groups (resolved_at) where is_resolved = 1;

-- The long texts of a group: those of its first report.
create table first_reports (
    group_id integer primary key references groups (id) on delete cascade,
    message text not null,
    traceback text not null,
    -- "shop.py in checkout": where it happened, for lists.
    culprit text
) strict;

-- Where a group was seen.
create table group_environments (
    group_id integer not null references groups (id) on delete cascade,
    environment text not null,
    primary key (group_id, environment)
) strict, without rowid;

create index group_environments_name on group_environments (environment, group_id);

-- Substring search over type, message and place; rowid = groups.id.
create virtual table group_search using fts5 (
    exception_type,
    message,
    culprit,
    content = '',
    contentless_delete = 1,
    tokenize = 'trigram'
);

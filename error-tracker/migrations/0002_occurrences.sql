-- The newest reports of each group, as they came.
create table occurrences (
    -- group_id << 10 | number % KEEP_OCCURRENCES: places are taken again in turn. So those of a group lie together,
    -- and keeping one costs no delete of another.
    place integer primary key,
    group_id integer not null generated always as (place >> 10) virtual,
    -- 1 is the group's first report.
    number integer not null,
    received_at integer not null,
    environment text,
    -- Top-level `session_id` of extra.
    session_id text,
    -- Null: the same as the group's; so for the traceback.
    message text,
    traceback text,
    -- JSON object of what is only shown: request_url, request_method, request_headers, user_id, extra.
    details text not null
) strict;

create index occurrences_session on occurrences (session_id) where session_id is not null;

-- Reports that are acknowledged and not yet counted and kept: appended one by one, taken out many at once.
create table journal (
    seq integer primary key,
    group_id integer not null,
    number integer not null,
    received_at integer not null,
    environment text,
    is_browser integer not null,
    session_id text,
    message text,
    traceback text,
    details text not null
) strict;

-- One row; another version at each change of the journal that adds nothing to it.
create table intake (
    id integer primary key check (id = 1),
    version integer not null,
    -- Above all numbers that the journal ever had, so that groups.folded_seq stays true when it is empty.
    next_seq integer not null
) strict;

insert into intake (id, version, next_seq) values (1, 0, 1);

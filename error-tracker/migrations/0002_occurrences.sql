-- The newest reports of each group, as they came.
create table occurrences (
    id integer primary key,
    group_id integer not null references groups (id) on delete cascade,
    received_at integer not null,
    environment text,
    request_url text,
    request_method text,
    -- JSON as sent, blanks removed.
    request_headers text,
    user_id text,
    -- JSON as sent, blanks removed.
    extra text,
    -- Top-level `session_id` of extra.
    session_id text,
    -- Null: the same as the group's; so for the traceback.
    message text,
    traceback text
) strict;

create index occurrences_group on occurrences (group_id);
create index occurrences_session on occurrences (session_id) where session_id is not null;

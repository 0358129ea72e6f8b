-- What was acknowledged and no backend has taken yet, oldest first.
create table outbox (
    seq integer primary key autoincrement,
    -- 1 errors, 2 metrics, 3 logs.
    backend integer not null,
    -- 32 hexadecimal digits by which the backend knows what it had before.
    event_id text not null,
    project text not null,
    queued_at integer not null,
    body blob not null
) strict;

create index outbox_backend on outbox (backend, seq);

-- API requests (docs/decisions/0023). Texts of their dimensions, each once; numbers below 16 mean something else:
-- 0 left out, 1 not given.
create table request_values (
    id        integer primary key,
    dimension integer not null,             -- 0 service, 1 method, 2 endpoint, 3 node, 4 consumer, 5 context
    value     text not null
) strict;

-- What is counted together, also with dimensions left out.
create table request_groups (
    id       integer primary key,
    service  integer not null,
    method   integer not null,
    endpoint integer not null,
    node     integer not null,
    consumer integer not null,
    context  integer not null,
    status   integer not null
) strict;

-- Batches that are not counted yet.
create table request_journal (
    id   integer primary key,
    data blob not null                      -- domain/requests/journal_row.rs
) strict;

-- How far minutes have been counted up.
create table request_progress (
    id     integer primary key check (id = 1),
    closed integer not null                 -- hours since 1970: those below are in all tiers, the others in minutes only
) strict;
insert into request_progress values (1, 0);

-- What was counted: `place` is (part << 32) + number of the period; a part is 0 all, 1 without callers, 2 without
-- endpoints, else the number of an endpoint.
create table request_minutes (
    place integer primary key,
    data  blob not null                     -- domain/requests/block.rs, as the next four
) strict;
create table request_five_minutes (
    place integer primary key,
    data  blob not null
) strict;
create table request_hours (
    place integer primary key,
    data  blob not null
) strict;
create table request_days (
    place integer primary key,
    data  blob not null
) strict;
create table request_four_weeks (
    place integer primary key,
    data  blob not null
) strict;

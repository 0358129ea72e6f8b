-- Metrics of Vantage's agents one by one, a row for each request: what its API tells of them. They are samples of
-- series, too.
create table vantage_batches (
    id integer primary key,
    -- Times of its first and its last metric, Unix milliseconds.
    from_ms integer not null,
    to_ms integer not null,
    -- domain/vantage/rows.rs
    data blob not null
) strict;

create index vantage_batches_to_ms on vantage_batches (to_ms);

-- Services that ever sent any.
create table vantage_services (
    name text primary key
) strict, without rowid;

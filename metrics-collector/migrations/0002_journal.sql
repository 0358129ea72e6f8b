-- Samples that are in memory and not yet in chunks: one row per request, replayed at start.
create table journal (
    seq         integer primary key,
    last_window integer not null,           -- the latest window of two hours that it has samples of
    data        blob not null               -- domain/batch.rs
) strict;

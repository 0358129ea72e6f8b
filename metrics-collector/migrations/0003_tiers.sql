-- One blob for each series and piece of time; `place` is (piece of time << 28) + series, so that what is written
-- together lies together and what is old is one range.
create table chunks (                       -- samples by window of two hours: domain/chunk.rs
    place integer primary key,
    data  blob not null
) strict;
create table times (                        -- times that chunks of one window share; here not series but a number
    place integer primary key,
    data  blob not null
) strict;
create table minutes (                      -- by window of two hours, of histograms at once, of others when chunks go
    place integer primary key,
    data  blob not null                     -- domain/tier_row.rs, as the next two
) strict;
create table five_minutes (                 -- by day
    place integer primary key,
    data  blob not null
) strict;
create table hours (                        -- by day
    place integer primary key,
    data  blob not null
) strict;

-- How far memory has been written to chunks, and from where on which tier is there.
create table progress (
    id                integer primary key check (id = 1),
    done_seq          integer not null,     -- samples of batches up to here in windows below are in chunks
    done_window       integer not null,
    round_seq         integer,              -- the same for the round that is under way, for series below its next one
    round_window      integer,
    next_window       integer,
    next_series       integer,
    chunks_from       integer not null,     -- windows below have no chunks any more, but minutes
    minutes_from      integer not null,     -- windows below have no minutes any more
    five_minutes_from integer not null,     -- days
    hours_from        integer not null
) strict;
insert into progress values (1, 0, 0, null, null, null, null, 0, 0, 0, 0);

-- What is measured. Ids are given in memory and never used again.
create table series (
    id       integer primary key,
    name     text not null,
    kind     integer not null,              -- 0 counter, 1 gauge, 2 histogram, 3 cumulative
    project  text,
    labels   text not null,                 -- sorted; key, 0x1f, value, 0x1e
    last_day integer not null               -- days since 1970: the last one with samples, or a little later
) strict;

-- What must outlive the entries.
create table archive (
    id integer primary key check (id = 1),
    -- Id of the next entry.
    next_id integer not null
) strict;

insert into archive (id, next_id) values (1, 1);

-- Entries that are in no block yet, a row per batch.
create table journal (
    -- Id of its first entry; the others follow.
    id integer primary key,
    n_entries integer not null,
    -- See store/journal.rs.
    data blob not null
) strict;

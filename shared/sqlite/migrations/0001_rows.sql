-- The schema of this crate's own tests.
create table rows (
    id integer primary key,
    body blob not null
) strict;

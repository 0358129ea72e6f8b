-- How far each log file was handed over: written in the transaction of the entries that it covers.
create table positions (
    device integer not null,
    inode integer not null,
    -- Container id, or path of a plain file.
    source text not null,
    -- An inode is given to the next file at once, so the file is known by its bytes too:
    -- a hash of the first so many, and of the last ones before the offset.
    head_bytes integer not null,
    head_hash integer not null,
    last_bytes integer not null,
    last_hash integer not null,
    -- Start of the oldest line that was not handed over.
    offset integer not null,
    -- Lines of a stream before this were handed over already.
    stdout_done integer not null,
    stderr_done integer not null,
    -- The order in which positions were saved: a larger number is later.
    turn integer not null,
    primary key (device, inode)
) strict, without rowid;

create index positions_of_source on positions (source);

-- Since when logs are followed: what is older is history, of which TAIL_BUFFER says how much is taken.
create table following (
    id integer primary key check (id = 1),
    since_ms integer not null
) strict;

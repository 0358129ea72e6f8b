-- What must outlive the entries.
create table archive (
    id integer primary key check (id = 1),
    -- Id of the next entry.
    next_id integer not null,
    -- Entries with smaller ids are in blocks, those from it on in the journal.
    sealed_before integer not null
) strict;

insert into archive (id, next_id, sealed_before) values (1, 1, 1);

create table containers (
    id integer primary key,
    name text not null unique
) strict;

-- Entries that are in no block yet, a row per commit.
create table journal (
    -- Id of its first entry; the others follow.
    id integer primary key,
    -- See store/frame.rs.
    rows blob not null,
    text blob not null
) strict;

-- Blocks are indexed by partition: one FTS5 table `words_<id>` each, dropped as a whole.
create table partitions (
    id integer primary key,
    -- Blocks ever put into it, and seals, each with pages of its own in `hashes`.
    n_blocks integer not null,
    n_seals integer not null,
    -- Blocks that the index knows, those dropped since among them.
    n_indexed integer not null,
    -- Earliest and latest entry.
    first_ns integer not null,
    last_ns integer not null
) strict;

-- Facts about each block; its entries are in `frames`.
create table blocks (
    -- Partition << 12 | number within it.
    id integer primary key,
    first_id integer not null,
    last_id integer not null,
    first_ns integer not null,
    last_ns integer not null,
    n_entries integer not null,
    -- What it takes in the database, about.
    n_bytes integer not null,
    -- Entries by container, level and stream; see store/blocks.rs.
    tallies blob not null
) strict;

create table frames (
    id integer primary key,
    -- See store/frame.rs.
    rows blob not null,
    text blob not null
) strict;

-- How many entries of a block have a word; see store/terms.rs.
create table word_counts (
    id integer primary key,
    data blob not null
) strict;

-- Words that are indexed by hash; see store/hashes.rs.
create table hashes (
    id integer primary key,
    data blob not null
) strict;

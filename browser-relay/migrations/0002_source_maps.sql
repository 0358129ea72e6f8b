-- Source maps in the form that lookups read: see domain/source_map.
create table source_maps (
    id integer primary key,
    project text not null,
    release text not null,
    file_url text not null,
    -- 32 lower-case hexadecimal digits.
    debug_id text,
    uploaded_at integer not null,
    n_tokens integer not null,
    n_sources integer not null,
    -- As kept, all tables together.
    n_bytes integer not null,
    -- JSON list of sentences: what the specification forbids.
    problems text not null,
    -- Where each block begins.
    directory blob not null,
    unique (project, release, file_url)
) strict;

create index source_maps_debug_id on source_maps (project, debug_id) where debug_id is not null;

create table source_map_blocks (
    -- source_maps.id << 20 | number: those of a map lie together.
    id integer primary key,
    data blob not null
) strict;

create table source_map_sources (
    -- source_maps.id << 20 | number.
    id integer primary key,
    name text,
    is_ignored integer not null,
    -- zstd of the text.
    content blob
) strict;

-- Releases whose stored events wait to be mapped again, since a map came after them.
create table remaps (
    project text not null,
    release text not null,
    requested_at integer not null,
    primary key (project, release)
) strict, without rowid;

-- What arrived and what became of it.
create table traffic (
    -- Unix time / 3600 s
    hour integer not null,
    project text not null,
    -- error, metrics, logs
    kind text not null,
    outcome text not null,
    n integer not null,
    primary key (hour, project, kind, outcome)
) strict, without rowid;

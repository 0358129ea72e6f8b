-- Public keys of pages. Never deleted: a key that was given away stays known, and off.
create table dsn_keys (
    id integer primary key,
    public_key text not null unique,
    project text not null,
    is_active integer not null default 1,
    created_at integer not null,
    -- JSON list of origins and patterns; empty: any origin.
    origins text not null default '[]',
    -- Requests a minute; null: as DSN_RATE_LIMIT says.
    per_minute integer,
    expires_at integer
) strict;

-- Saved searches that are told of. `channels` and `deliveries` come from `shared/alerts`.
create table alert_rules (
    id integer primary key autoincrement,
    name text not null,
    -- As the page's URL has it, without a time.
    query text not null,
    -- So many matches …
    n_matches integer not null,
    -- … within so long, in milliseconds.
    window_ms integer not null,
    -- How long nothing more is told.
    pause_ms integer not null,
    -- `22:00-07:00 +02:00`; null: none.
    quiet_hours text,
    -- Null: all channels. 0: the addresses in ALERT_EMAILS.
    channel_id integer,
    told_at integer
) strict;

-- What was told: the subjects of `deliveries`. They stay when their rule goes.
create table firings (
    id integer primary key,
    rule_id integer not null,
    at integer not null,
    -- Of the rule, as it was.
    name text not null,
    query text not null,
    n_wanted integer not null,
    window_ms integer not null,
    -- Matches in the window, and when the first of them was.
    n_matches integer not null,
    from_ms integer not null,
    -- The beginning of the newest few, a line each.
    samples text not null
) strict;

create index firings_at on firings (at);

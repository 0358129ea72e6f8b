-- Metrics that are told of. `channels` and `deliveries` come from `shared/alerts`.
create table alert_rules (
    id integer primary key autoincrement,
    name text not null,
    -- Which metric and what of it, as the explorer's URL has it, without a time.
    query text not null,
    -- above, below, absent
    condition text not null,
    -- Null for absent.
    threshold real,
    -- Over how long it is looked at, and for how long it must be so, in milliseconds.
    window_ms integer not null,
    hold_ms integer not null,
    -- `22:00-07:00 +02:00`; null: none.
    quiet_hours text,
    -- Null: all channels. 0: the addresses in ALERT_EMAILS.
    channel_id integer
) strict;

-- Lines of a rule that are not well.
create table alert_states (
    rule_id integer not null references alert_rules (id) on delete cascade,
    -- JSON: label and value, in order; `[]` where all series are one line.
    labels text not null,
    -- pending, firing
    state text not null,
    since integer not null,
    primary key (rule_id, labels)
) strict, without rowid;

-- What was told: the subjects of `deliveries`. They stay when their rule goes.
create table alert_events (
    id integer primary key,
    rule_id integer not null,
    -- firing, resolved
    kind text not null,
    at integer not null,
    -- Since when it is so, or was.
    since integer not null,
    -- Of the rule, as it was.
    name text not null,
    query text not null,
    condition text not null,
    threshold real,
    window_ms integer not null,
    -- As in `alert_states`.
    labels text not null,
    -- Null: there were no samples.
    value real
) strict;

create index alert_events_at on alert_events (at);

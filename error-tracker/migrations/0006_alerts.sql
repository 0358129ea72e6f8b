-- Who is told of what, where to, and what became of it.

-- Where alerts go beside the addresses in ALERT_EMAILS.
create table channels (
    -- Never used again: deliveries of a deleted one keep its number.
    id integer primary key autoincrement,
    name text not null,
    -- mail, webhook, slack, discord, teams, ntfy
    kind text not null,
    -- URL, or mail addresses with commas between. For most products it is the password: it is never shown.
    target text not null,
    -- What a webhook is signed with; an access token of ntfy.
    secret text,
    -- Of a webhook: its own JSON instead of ours.
    template text,
    created_at integer not null
) strict;

create table rules (
    id integer primary key autoincrement,
    -- Null: any.
    project text,
    environment text,
    on_created integer not null,
    on_reopened integer not null,
    on_spike integer not null,
    -- Each so many reports of a group; null: never.
    every_n integer,
    -- As domain/quiet_hours.rs reads it; null: none.
    quiet_hours text,
    -- Null: all channels. 0: the addresses in ALERT_EMAILS.
    channel_id integer
) strict;

insert into rules (on_created, on_reopened, on_spike) values (1, 1, 1);

-- What happened and is not looked at yet: written with what caused it.
create table alerts (
    id integer primary key,
    -- created, reopened, spike, every_n, woken
    kind text not null,
    group_id integer not null references groups (id) on delete cascade,
    at integer not null,
    environment text,
    -- Reports of the group, for every_n.
    n_before integer,
    n_after integer
) strict;

create index alerts_group on alerts (group_id);

-- What is sent to whom: one row per alert, channel and recipient, kept until a month after it is done.
create table deliveries (
    id integer primary key,
    -- Null: ALERT_EMAILS.
    channel_id integer,
    -- Of a mail.
    recipient text,
    -- Null for tests and digests.
    group_id integer references groups (id) on delete cascade,
    -- created, reopened, spike, every_n, woken, test, digest
    kind text not null,
    created_at integer not null,
    -- 1: it is not decided yet whether it goes by itself or in a digest.
    is_held integer not null default 0,
    -- Not decided before: quiet hours.
    hold_until integer,
    -- The digest that carries it.
    digest_id integer references deliveries (id) on delete cascade,
    -- When it was given to be sent.
    released_at integer,
    n_attempts integer not null default 0,
    -- Null: nothing more to do, or nothing yet.
    next_attempt_at integer,
    delivered_at integer,
    -- Words of the server or of the network, for the operator.
    last_error text
) strict;

insert into deliveries (id, recipient, group_id, kind, created_at, released_at, n_attempts, next_attempt_at,
                        delivered_at, last_error)
select id, recipient, group_id, kind, created_at, created_at, n_attempts, next_attempt_at, delivered_at, last_error
from mails;

drop table mails;

create index deliveries_due on deliveries (next_attempt_at) where next_attempt_at is not null;
create index deliveries_held on deliveries (channel_id, recipient, id) where is_held = 1;
create index deliveries_digest on deliveries (digest_id) where digest_id is not null;
create index deliveries_group on deliveries (group_id) where group_id is not null;

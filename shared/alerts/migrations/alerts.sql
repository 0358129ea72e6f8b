-- Where alerts go, what was sent, and what became of it: the same in every service that starts with this crate.
-- Published: never edited. What changes comes as a file of its own.

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

-- What is sent to whom: one row per alert, channel and recipient, kept until a month after it is done.
create table deliveries (
    id integer primary key,
    -- Null: ALERT_EMAILS.
    channel_id integer,
    -- Of a mail.
    recipient text,
    -- What it is about, a row of the service's; null for tests and digests.
    subject_id integer,
    -- test, digest, or a word of the service's
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

create index deliveries_due on deliveries (next_attempt_at) where next_attempt_at is not null;
create index deliveries_held on deliveries (channel_id, recipient, id) where is_held = 1;
create index deliveries_digest on deliveries (digest_id) where digest_id is not null;
create index deliveries_subject on deliveries (subject_id) where subject_id is not null;

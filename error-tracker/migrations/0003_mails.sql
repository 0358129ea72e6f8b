-- Mails to be sent: one row per message and recipient, kept until delivered or given up.
create table mails (
    id integer primary key,
    -- Null for a test mail.
    group_id integer references groups (id) on delete cascade,
    -- created, reopened, test
    kind text not null,
    recipient text not null,
    created_at integer not null,
    n_attempts integer not null default 0,
    -- Null: nothing more to do (delivered or given up).
    next_attempt_at integer,
    delivered_at integer,
    -- Words of the mail server or of the network, for the operator.
    last_error text
) strict;

create index mails_due on mails (next_attempt_at) where next_attempt_at is not null;

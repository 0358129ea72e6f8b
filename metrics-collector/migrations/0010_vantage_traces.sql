-- Rows with spans, kinds and tags (form 2); batches from before have form 1. Few batches have traces: their index is small.
alter table vantage_batches add column form integer not null default 1;
alter table vantage_batches add column n_traced integer not null default 0;

create index vantage_batches_traced on vantage_batches (to_ms) where n_traced > 0;

-- What was beyond its bounds by quartiles: one firing row at most for each metric of a service.
create table vantage_alerts (
    id integer primary key,
    service text not null,
    metric text not null,
    severity text not null,
    message text not null,
    value real not null,
    expected_min real not null,
    expected_max real not null,
    n_breaches integer not null,
    first_at integer not null,
    last_at integer not null,
    resolved_at integer
) strict;

create unique index vantage_alerts_firing on vantage_alerts (service, metric) where resolved_at is null;

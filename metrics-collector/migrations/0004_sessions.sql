-- Which browser sessions were on a page in an hour, so far as that can be counted: domain/distinct.rs.
create table sessions (
    hour    integer not null,               -- since 1970
    project text not null,                  -- empty for none
    page    text not null,
    data    blob not null,
    primary key (hour, project, page)
) strict;

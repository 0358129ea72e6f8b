-- An inode goes to another file at once, also to one of another source, while the file that had it lives on
-- compressed or as a copy: each source keeps what it knows.
create table positions_by_source (
    -- Container id, or path of a plain file.
    source text not null,
    device integer not null,
    inode integer not null,
    -- The file is known by its bytes too: a hash of the first so many, and of the last ones before the offset.
    head_bytes integer not null,
    head_hash integer not null,
    last_bytes integer not null,
    last_hash integer not null,
    -- Start of the oldest line that was not handed over.
    offset integer not null,
    -- Lines of a stream before this were handed over already.
    stdout_done integer not null,
    stderr_done integer not null,
    -- The order in which positions were saved: a larger number is later.
    turn integer not null,
    primary key (source, device, inode)
) strict, without rowid;

insert into positions_by_source
    (source, device, inode, head_bytes, head_hash, last_bytes, last_hash, offset, stdout_done, stderr_done, turn)
select source, device, inode, head_bytes, head_hash, last_bytes, last_hash, offset, stdout_done, stderr_done, turn
from positions;

drop table positions;
alter table positions_by_source rename to positions;

-- The zone of times without one in a plain file, as far as it was learnt, in nanoseconds: what stands in it after a
-- downtime does not tell.
alter table positions add column zone_ns integer;

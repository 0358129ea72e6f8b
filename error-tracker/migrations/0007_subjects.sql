-- Deliveries are the same in all services: what one is about is its subject, here a group.
alter table deliveries rename column group_id to subject_id;

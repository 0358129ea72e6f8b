-- Groups were searched for before their tags were counted: all of them are put into the index anew.
insert into group_search (group_search) values ('delete-all');
update intake set searched_id = 0;

-- What was moved from one merged group to another was counted for both.
update groups
set n_merged = (select ifnull(sum(m.n_occurrences), 0) from groups m where m.merged_into = groups.id),
    n_users = (select count(distinct u.user) from group_users u
               where u.group_id = groups.id or u.group_id in (select m.id from groups m where m.merged_into = groups.id))
where merged_into is null and n_merged > 0;

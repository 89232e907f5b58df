-- Version 2: entries of transfers between partitions. Run by the tables' owner.

alter table entry
    drop constraint entry_kind_check,
    -- 7 transfer's hold, 8 its release, 9 transfer out, 10 transfer in
    add constraint entry_kind_check check (kind between 1 and 10);
insert into schema_version values (2);

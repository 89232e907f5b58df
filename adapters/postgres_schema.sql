-- The ledger's tables, version 1. Run by their owner; see adapters/postgres_migrate.py.
--
-- Amounts are bigint in the asset's smallest unit: the core bounds an asset's supply to 2^62.
-- No foreign keys: one projector writes in log order, and `lockstep ledger verify` checks what
-- they would, without a lock per row. Nothing here is newer than PostgreSQL 15.

create table account (
    partition     smallint not null,
    account       bigint   not null,
    ref_hi        bigint   not null,   -- the user's name outside, as the core knows it
    ref_lo        bigint   not null,
    opened_index  bigint   not null,
    opened_ts_ns  bigint   not null,
    primary key (partition, account)
);

create table asset (
    partition     smallint not null,
    asset         integer  not null,
    name          text     not null,
    scale         smallint not null,   -- decimal places of the smallest unit
    listed_index  bigint   not null,
    primary key (partition, asset)
);

create table symbol (
    partition     smallint not null,
    symbol        integer  not null,
    name          text     not null,
    base          integer  not null,
    quote         integer  not null,
    lot_units     bigint   not null,
    listed_index  bigint   not null,
    primary key (partition, symbol)
);

-- One movement of money. (partition, log_index, ordinal) names the core's event behind it.
create table entry (
    log_index  bigint   not null,
    ts_ns      bigint   not null,      -- log time, never this server's
    trade_id   bigint,
    order_id   bigint,
    ordinal    integer  not null,
    symbol     integer  not null,      -- 0: of no market
    partition  smallint not null,
    -- 1 deposit, 2 withdrawal, 3 hold, 4 release, 5 amend, 6 trade: ledger/ports.py; more by
    -- postgres_upgrade_2.sql
    kind       smallint not null check (kind between 1 and 6),
    primary key (partition, log_index, ordinal),
    check ((kind = 6) = (trade_id is not null))
);
create unique index entry_trade on entry (partition, symbol, trade_id) where trade_id is not null;

-- Signed amounts; those of one entry and asset sum to zero. Account 0 is the outside world.
create table posting (
    log_index  bigint   not null,
    account    bigint   not null,
    amount     bigint   not null check (amount <> 0),
    ordinal    integer  not null,
    asset      integer  not null,
    partition  smallint not null,
    leg        smallint not null,
    bucket     smallint not null check (bucket in (0, 1)),   -- 0 available, 1 on hold
    primary key (partition, log_index, ordinal, leg)
);

-- The sum of all postings; `version` counts them. No index on what changes: updates stay HOT.
create table balance (
    account    bigint   not null,
    available  bigint   not null,
    hold       bigint   not null,
    last_index bigint   not null,
    version    bigint   not null,
    asset      integer  not null,
    partition  smallint not null,
    primary key (partition, account, asset),
    check (account = 0 or available >= 0),
    check (hold >= 0)
) with (fillfactor = 60);

-- How far the numbers of each symbol have come; symbol 0 is the stream of no symbol.
create table event_stream (
    partition  smallint not null,
    symbol     integer  not null,
    last_seq   bigint   not null,
    last_trade bigint   not null,
    primary key (partition, symbol)
) with (fillfactor = 60);

-- How far the log is booked, under which epoch, and the core's hash there.
create table projector_cursor (
    partition  smallint primary key,
    log_index  bigint   not null,
    epoch      bigint   not null,
    ts_ns      bigint   not null,
    chain      bytea    not null
) with (fillfactor = 60);

-- Every comparison of the balances with the core's digest, at its checkpoints.
create table reconciliation (
    log_index     bigint   not null,
    ts_ns         bigint   not null,
    ordinal       integer  not null,
    partition     smallint not null,
    ok            boolean  not null,
    core_digest   bytea    not null,
    ledger_digest bytea    not null,
    primary key (partition, log_index, ordinal, ok),
    check (ok = (core_digest = ledger_digest))
);

create table schema_version (version integer primary key);
insert into schema_version values (1);

-- Append-only for everybody, the owner included. Row triggers do not see TRUNCATE, so there are
-- two. Privileges below already keep the writer out; only a superuser can take these away.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on %: the ledger is append-only; book a correction instead',
        tg_op, tg_table_name using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete on entry
    for each row execute function refuse_change();
create trigger append_only before update or delete on posting
    for each row execute function refuse_change();
create trigger append_only before update or delete on reconciliation
    for each row execute function refuse_change();
create trigger append_only_truncate before truncate on entry
    for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on posting
    for each statement execute function refuse_change();
create trigger append_only_truncate before truncate on reconciliation
    for each statement execute function refuse_change();

grant usage on schema ledger to lockstep_writer;
grant select, insert on account, asset, symbol, entry, posting, reconciliation to lockstep_writer;
grant select, insert, update on balance, event_stream, projector_cursor to lockstep_writer;
grant select on schema_version to lockstep_writer;

import type { CatalogCheck } from "./catalog-check.js";

/** The triggers that keep evidence are there, and fire for everybody. */
export const triggers: CatalogCheck = {
  id: "triggers",
  about:
    "no trigger is disabled; those that keep evidence are ENABLE ALWAYS, and every log and partition has its two",
  sql: `
    with found as (
      select
        relations.name as relation,
        relations.called,
        tgname,
        tgenabled,
        proname = 'tg__append_only' or proname like 'tg\\_%\\_\\_record\\_changes' as is_evidence
      from pg_catalog.pg_trigger
        join relations on relations.oid = tgrelid
        join pg_catalog.pg_proc on pg_proc.oid = tgfoid
    )
    select
      'critical',
      'trigger ' || relation || '.' || quote_ident(tgname),
      case
        when tgenabled = 'D' then 'is disabled'
        when tgenabled = 'R' then 'fires on replicas only'
        else 'is not fired by a session that calls itself a replica: evidence has to be ENABLE ALWAYS'
      end,
      format(
        'alter table %s enable %strigger %I;',
        called,
        case when is_evidence then 'always ' else '' end,
        tgname
      )
    from found
    where tgenabled in ('D', 'R')
      or (is_evidence and tgenabled <> 'A')
    union all
    select
      'critical',
      (case when is_partition then 'partition ' else 'table ' end) || relations.name,
      'lacks the trigger ' || wanted.name || ', and so what it holds may be ' || wanted.lost,
      format(
        'create trigger %1$s before %2$s on %3$s execute function %4$s.tg__append_only(%5$L); alter table %3$s enable always trigger %1$s;',
        wanted.name,
        wanted.moment,
        relations.called,
        quote_ident(subject.cell),
        relations.name
      )
    from subject
      cross join relations
      cross join (
        values
          ('_500_append_only', 8 | 16, 'changed or deleted', 'update or delete'),
          ('_500_no_truncate', 32, 'truncated', 'truncate')
      ) as wanted (name, events, lost, moment)
    where kind in ('r', 'p')
      and (kind = 'p' or is_partition)
      and not exists (
        select
        from pg_catalog.pg_trigger
          join pg_catalog.pg_proc on pg_proc.oid = tgfoid
        where tgrelid = relations.oid
          and proname = 'tg__append_only'
          and tgtype & wanted.events = wanted.events
      )`,
};

/** The logs have somewhere to write next month. */
export const partitions: CatalogCheck = {
  id: "partitions",
  about: "every log has a partition for this month and at least the next two",
  sql: `
    select
      'critical',
      'table ' || months.name,
      case
        when ahead < 0 then 'has no partition for this month: all work that is recorded fails'
        when ahead = 0 then 'has no partition for the next month'
        else 'has a partition for the next month and none for the one after'
      end,
      'safetypin maintain --once --cell ' || subject.cell
    from subject
      cross join lateral (
        select
          relations.name,
          coalesce(
            min(ahead) filter (
              where not exists (
                select
                from pg_catalog.pg_inherits
                  join pg_catalog.pg_class on pg_class.oid = inhrelid
                where inhparent = relations.oid
                  and relname = relations.name || to_char(
                    date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead),
                    '_YYYY_MM'
                  )
              )
            ),
            3
          ) - 1 as ahead
        from relations
          cross join generate_series(0, 2) as ahead
        where kind = 'p'
          and not is_partition
        group by relations.oid, relations.name
      ) as months
    where ahead < 2`,
};

/** Indexes that work, and foreign keys that have one. */
export const indexes: CatalogCheck = {
  id: "indexes",
  about: "no index is invalid; every foreign key has an index that begins with its columns",
  sql: `
    select
      'warning',
      'index ' || quote_ident(pg_class.relname),
      'is invalid: it costs writes and serves nobody' || case when indisunique then ', and does not keep doubles out' else '' end,
      format('reindex index concurrently %s.%I;', pg_class.relnamespace::regnamespace, pg_class.relname)
    from pg_catalog.pg_index
      join relations on relations.oid = indrelid
      join pg_catalog.pg_class on pg_class.oid = indexrelid
    where not (indisvalid and indisready)
    union all
    select
      'warning',
      'constraint ' || relations.name || '.' || quote_ident(conname),
      'is a foreign key without an index: every delete on the other side reads the whole table',
      format(
        'create index %son %s (%s);',
        case kind when 'p' then '' else 'concurrently ' end,
        relations.called,
        (
          select string_agg(quote_ident(attname), ', ' order by place)
          from unnest(conkey) with ordinality as key (attnum, place)
            join pg_catalog.pg_attribute on attrelid = conrelid and pg_attribute.attnum = key.attnum
        )
      )
    from pg_catalog.pg_constraint
      join relations on relations.oid = conrelid
    where contype = 'f'
      and conparentid = 0
      and not exists (
        select
        from pg_catalog.pg_index
        where indrelid = conrelid
          and indisvalid
          and (
            select array_agg(key order by key)
            from unnest((indkey::int2[])[0:cardinality(conkey) - 1]) as key
          ) = (select array_agg(key order by key) from unnest(conkey) as key)
      )`,
};

/** What the statistics say of indexes. */
export const indexUsage: CatalogCheck = {
  id: "index-usage",
  about:
    "information: indexes over 1 MB that nothing has used, tables of over 10 000 rows that are mostly read whole",
  sql: `
    select
      'info',
      'index ' || quote_ident(indexrelname),
      'was never used since the statistics began, and takes ' || pg_size_pretty(pg_relation_size(indexrelid)),
      format('If replicas do not use it either: drop index concurrently %I.%I;', pg_stat_user_indexes.schemaname, indexrelname)
    from pg_catalog.pg_stat_user_indexes
      join relations on relations.oid = relid
      join pg_catalog.pg_index using (indexrelid)
      join pg_catalog.pg_stat_user_tables using (relid)
    where pg_stat_user_indexes.idx_scan = 0
      and not indisunique
      and pg_relation_size(indexrelid) > 1024 * 1024
      and n_tup_ins + n_tup_upd > 10000
    union all
    select
      'info',
      'table ' || relations.name,
      format('was read whole %s times, by an index %s times, and has about %s rows', seq_scan, coalesce(idx_scan, 0), n_live_tup),
      format('See which query does, in pg_stat_statements or with explain (analyze); then: analyze %s;', relations.called)
    from pg_catalog.pg_stat_user_tables
      join relations on relations.oid = relid
    where n_live_tup > 10000
      and seq_scan > 50
      and seq_scan > coalesce(idx_scan, 0)`,
};

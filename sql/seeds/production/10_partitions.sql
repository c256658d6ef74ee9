/*
 * production: two years of partitions
 *
 * Maintenance keeps twelve months ahead; a cell that goes into production
 * starts with twice that, in case nobody thinks of maintenance.
 */

select make_partitions(24)
where count_partitions_ahead() < 24;

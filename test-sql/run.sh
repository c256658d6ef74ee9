#!/bin/sh
#
# Proves the rules with psql and pg_prove, and nothing else: makes a fresh
# database, applies the chapters as a DBA would, loads the seeds, pgTAP and the
# tests' vocabulary, and runs every file of test-sql/ (or those it is given).
#
#   PGHOST=localhost PGUSER=postgres test-sql/run.sh [file.sql ...]
#
# The server comes from the usual variables of libpq; the user must be a
# superuser. pgTAP is the server's extension, or else the text that this machine's
# package of it brought. The database, safetypin_pgtap or
# $SAFETYPIN_PGTAP_DATABASE, is dropped and made anew.
set -eu
cd "$(dirname "$0")/.."

cell=safetypin
PGDATABASE=postgres
export PGDATABASE
database=${SAFETYPIN_PGTAP_DATABASE:-safetypin_pgtap}

run() {
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$database" --output /dev/null "$@"
}

# Everything that belongs to the cell is the owner's, and is named without the cell.
run_in_cell() {
  PGOPTIONS="-c search_path=$cell,extensions,pg_temp -c client_min_messages=warning" \
    run --command "set role safetypin_owner" "$@"
}

PGOPTIONS="-c client_min_messages=warning" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  --command "drop database if exists $database with (force)" \
  --command "create database $database template template0 encoding 'UTF8'"

PGOPTIONS="-c client_min_messages=warning" \
  run --command "set safetypin.cell = '$cell'" --file sql/bootstrap.sql
run_in_cell --file sql/ledger.sql
for chapter in sql/migrations/*.sql; do
  if grep -q '^-- postgres-migrations disable-transaction' "$chapter"; then
    run_in_cell --file "$chapter"
  else
    run_in_cell --single-transaction --file "$chapter"
  fi
done

seed() {
  for file in "sql/seeds/$1"/*.sql; do
    [ ! -e "$file" ] || run_in_cell --single-transaction --file "$file"
  done
}
seed base
run_in_cell --command "select declare_environment('test')"
seed test

run --command "create schema tap" --command "grant usage on schema tap to public"
if [ "$(psql --no-psqlrc --tuples-only --no-align --dbname "$database" \
  --command "select count(*) from pg_available_extensions where name = 'pgtap'")" = 1 ]; then
  run --command "create extension pgtap with schema tap"
else
  PGOPTIONS="-c search_path=tap -c client_min_messages=warning" \
    run --file "$(ls /usr/share/postgresql/*/extension/pgtap.sql | tail -n 1)"
fi
tests_path="-c search_path=$cell,extensions,tap -c client_min_messages=warning"
PGOPTIONS=$tests_path run --file test-sql/setup.sql

[ $# -gt 0 ] || set -- --recurse test-sql/*/
PGOPTIONS=$tests_path exec pg_prove --dbname "$database" --ext .sql --failures "$@"

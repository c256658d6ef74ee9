/*
 * dev: a small clinic to work with, which is the scenario of that name
 */

\ir ../scenarios/01_small_clinic.sql

-- unlock() refuses to work where the server would write secrets into its log.
begin;
select plan(21);

select tests.unlock();

create function tests.unlocking(p_setting text, p_value text, p_more text default null) returns text language plpgsql as $body$
declare
  v_complaint text;
begin
  perform set_config('log_parameter_max_length', '0', true);
  perform set_config('log_parameter_max_length_on_error', '0', true);
  perform set_config(p_setting, p_value, true);
  if p_more is not null then
    perform set_config(split_part(p_more, '=', 1), split_part(p_more, '=', 2), true);
  end if;
  v_complaint := tests.complaint('select unlock(null, 1, tests.masked_share())');
  raise exception using message = coalesce(v_complaint, 'done'), errcode = 'ZZZZZ';
exception
  -- And the settings are as they were.
  when sqlstate 'ZZZZZ' then return substr(sqlerrm, strpos(sqlerrm, ': ') + case strpos(sqlerrm, ': ') when 0 then 1 else 2 end);
end;
$body$;

select is(tests.unlocking('log_statement', 'all'), 'done', 'a test cell is not strict by itself');
select declare_log_strictness(true);
select is(tests.unlocking('log_statement', 'none'), 'done', 'a strict one works where nothing is logged');
select is(tests.unlocking('log_statement', 'all'), 'done', '... or statements without their parameters');
select is(
  tests.unlocking('log_statement', 'all', 'log_parameter_max_length=-1'), 'log_parameter_max_length',
  'it refuses where statements are logged with them'
);
select is(
  tests.unlocking('log_statement', 'mod', 'log_parameter_max_length=10'), 'log_parameter_max_length',
  '... or parts of them'
);
select is(tests.unlocking('log_statement', 'ddl', 'log_parameter_max_length=-1'), 'done', '... but not for those that define');
select is(
  tests.unlocking('log_min_duration_statement', '0', 'log_parameter_max_length=-1'), 'log_parameter_max_length',
  '... or slow ones are'
);
select is(
  tests.unlocking('log_min_duration_statement', '1h', 'log_parameter_max_length=-1'), 'log_parameter_max_length',
  '... however slow'
);
select is(
  tests.unlocking('log_min_duration_sample', '10', 'log_parameter_max_length=-1'), 'log_parameter_max_length',
  '... or a sample of them'
);
select is(
  tests.unlocking('log_transaction_sample_rate', '0.1', 'log_parameter_max_length=-1'), 'log_parameter_max_length',
  '... or of transactions'
);
select is(
  tests.unlocking('log_parameter_max_length_on_error', '-1'), 'log_parameter_max_length_on_error',
  '... or parameters with errors'
);
select is(tests.unlocking('debug_print_plan', 'on'), 'debug_print_plan', '... or plans');
select is(tests.unlocking('debug_print_parse', 'on'), 'debug_print_parse', '... or parse trees');
select is(tests.unlocking('debug_print_rewritten', 'on'), 'debug_print_rewritten', '... or rewritten ones');
select is(
  tests.unlocking('auto_explain.log_min_duration', '0', 'auto_explain.log_verbose=on'), 'auto_explain.log_verbose',
  '... or plans that tell what functions are called with'
);
select is(
  tests.unlocking('auto_explain.log_min_duration', '0', 'auto_explain.log_nested_statements=on'),
  'auto_explain.log_nested_statements',
  '... or those inside functions'
);
select is(
  tests.unlocking('auto_explain.log_min_duration', '0', 'auto_explain.log_parameter_max_length=-1'),
  'auto_explain.log_parameter_max_length',
  '... or parameters with plans'
);
select is(
  tests.unlocking('auto_explain.log_min_duration', '-1', 'auto_explain.log_verbose=on'), 'done', '... unless none are'
);
select is(tests.unlocking('pgaudit.log_parameter', 'on'), 'pgaudit.log_parameter', '... or an audit of statements has them');

-- What an application says of itself does not count: the switch is in a table.
select tests.act_as_nobody();
select throws_ok($$ update cell_settings set refuses_logged_secrets = false $$, '42501', null, 'nobody turns it off');
select tests.act_as_superuser();
select declare_log_strictness(null);
update cell_settings set environment = 'production';
select is(
  tests.unlocking('debug_print_plan', 'on'), 'debug_print_plan', 'production is strict unless it is told not to be'
);

select finish();
rollback;

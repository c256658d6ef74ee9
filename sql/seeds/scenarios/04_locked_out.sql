/*
 * scenario: locked out
 *
 * Lars has been guessed at until his account is throttled: for a while it
 * answers throttled to whoever tries, with the right password too.
 */

select _require_not_production();

-- People and organizations come about as they do anywhere: by the product's own
-- functions, called as the role that owns them.
set local role safetypin_definer;

do $$
declare
  c_digest  constant text := '$2a$12$abcdefghijklmnopqrstuuXxytZM3ml4cIrUhX.MkZ/PiAmI9VF/u';
  c_history constant text := '$2a$12$zyxwvutsrqponmlkjihgfeOmA3FdgIUvyGEVLcZnarCbHprFurHtW';
  c_version constant text := (read_password_policy()).version;
  v_person  uuid := new_id();
begin
  if _find_user_by_email('lars@locked.example') is not null then
    return;
  end if;

  perform _register_user(v_person, 'lars@locked.example', 'Lars', 'Locked', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'lars@locked.example'));

  -- Six wrong passwords: each is begun, and none is ever proven.
  for v_number in 1..6 loop
    perform begin_password_check('lars@locked.example', '192.0.2.6', 'seed');
  end loop;
end;
$$;

set local role safetypin_owner;

/*
 * scenario: a stolen refresh token
 *
 * Theo's refresh token was used by him and then by a thief: the family is dead,
 * the session revoked, and an alert waits to be looked at.
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
  v_refresh bytea;
  v_session uuid;
begin
  if _find_user_by_email('theo@stolen.example') is not null then
    return;
  end if;

  perform _register_user(v_person, 'theo@stolen.example', 'Theo', 'Theft', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'theo@stolen.example'));

  v_refresh := gen_random_bytes(32);
  v_session := _open_session(
    v_person, null, sha256(gen_random_bytes(32)), sha256(v_refresh), 1::smallint, array['password'],
    false, '192.0.2.1', 'seed', null
  );
  perform refresh_session(v_refresh, '192.0.2.1', 'seed');

  -- As if that had been a minute ago; then the thief comes with the used token.
  update refresh_tokens
  set used_time = used_time - interval '1 minute'
  where session_id = v_session
    and is_used;
  perform refresh_session(v_refresh, '203.0.113.66', 'thief');
end;
$$;

set local role safetypin_owner;

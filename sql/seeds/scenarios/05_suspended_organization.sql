/*
 * scenario: a suspended organization
 *
 * Sue signs in and finds no organization to enter; the session she had in it is
 * void.
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
  v_owner        uuid := new_id();
  v_organization uuid;
  v_token        bytea;
begin
  if _find_user_by_email('sue@suspended.example') is not null then
    return;
  end if;

  perform _register_user(v_owner, 'sue@suspended.example', 'Sue', 'Suspended', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'sue@suspended.example'));
  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  v_organization := create_organization('suspended', 'Suspended Organization');
  perform choose_organization(v_organization);
  perform suspend_organization(v_organization, 'scenario');
end;
$$;

set local role safetypin_owner;

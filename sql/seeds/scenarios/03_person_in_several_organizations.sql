/*
 * scenario: a person in several organizations
 *
 * Dora owns two organizations and works in a third: she signs in without one
 * and chooses.
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
  v_doctor  uuid := new_id();
  v_owner   uuid := new_id();
  v_lab     uuid;
  v_token   bytea;
begin
  if _find_user_by_email('dora@everywhere.example') is not null then
    return;
  end if;

  perform _register_user(v_doctor, 'dora@everywhere.example', 'Dora', 'Doctor', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'dora@everywhere.example'));

  v_token := gen_random_bytes(32);
  perform _open_session(v_doctor, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  perform create_organization('practice', 'Her Own Practice');
  perform create_organization('charity', 'The Charity');

  perform _register_user(v_owner, 'ludwig@lab.example', 'Ludwig', 'Lab', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'ludwig@lab.example'));
  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  v_lab := create_organization('laboratory', 'The Laboratory');
  perform choose_organization(v_lab);
  perform add_member('dora@everywhere.example');

  v_token := gen_random_bytes(32);
  perform _open_session(v_doctor, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  perform accept_membership(v_lab);
end;
$$;

set local role safetypin_owner;

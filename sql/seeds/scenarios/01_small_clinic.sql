/*
 * scenario: a small clinic
 *
 * An owner, an administrator and a nurse who holds a role of the clinic's own.
 * Sign in as any of them with "correct horse battery staple".
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
  v_owner   uuid := new_id();
  v_admin   uuid := new_id();
  v_nurse   uuid := new_id();
  v_clinic  uuid;
  v_role    uuid;
  v_token   bytea;
begin
  if _find_user_by_email('olive@clinic.example') is not null then
    return;
  end if;

  perform _register_user(v_owner, 'olive@clinic.example', 'Olive', 'Owner', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'olive@clinic.example'));
  perform _register_user(v_admin, 'adam@clinic.example', 'Adam', 'Admin', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'adam@clinic.example'));
  perform _register_user(v_nurse, 'nora@clinic.example', 'Nora', 'Nurse', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'nora@clinic.example'));

  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  v_clinic := create_organization('small-clinic', 'Small Clinic');
  perform choose_organization(v_clinic);
  perform add_member('adam@clinic.example', 'admin');
  perform add_member('nora@clinic.example');
  v_role := create_role('Charge nurse', 'Sees who is signed in and ends sessions.');
  perform set_role_permissions(v_role, array['sessions.read', 'sessions.revoke']);

  v_token := gen_random_bytes(32);
  perform _open_session(v_admin, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  perform accept_membership(v_clinic);

  v_token := gen_random_bytes(32);
  perform _open_session(v_nurse, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  perform accept_membership(v_clinic);

  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, v_clinic, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  perform assign_role(v_nurse, v_role);
end;
$$;

set local role safetypin_owner;

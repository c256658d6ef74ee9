/*
 * scenario: a hospital with five hundred roles
 *
 * Fifty people besides the owner, each of whom holds ten of the five hundred
 * roles: for trying permission checks and reviews at size.
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
  v_owner    uuid := new_id();
  v_hospital uuid;
  v_people   uuid[] := '{}';
  v_staff    uuid;
  v_role     uuid;
  v_token    bytea;
begin
  if _find_user_by_email('helen@hospital.example') is not null then
    return;
  end if;

  perform _register_user(v_owner, 'helen@hospital.example', 'Helen', 'Head', c_digest, c_history, c_version);
  perform verify_email((select token from take_messages(1000, '1 second') where email = 'helen@hospital.example'));

  for v_number in 1..50 loop
    v_staff := new_id();
    perform _register_user(
      v_staff, format('staff%s@hospital.example', v_number), 'Staff', format('Number %s', v_number),
      c_digest, c_history, c_version
    );
    perform verify_email((
      select token from take_messages(1000, '1 second')
      where email = format('staff%s@hospital.example', v_number)
    ));
    v_people := v_people || v_staff;
  end loop;

  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  v_hospital := create_organization('hospital', 'Hospital of Five Hundred Roles');
  perform choose_organization(v_hospital);
  perform add_member(format('staff%s@hospital.example', number)) from generate_series(1, 50) as number;

  foreach v_staff in array v_people loop
    v_token := gen_random_bytes(32);
    perform _open_session(v_staff, null, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
    perform begin_request(v_token);
    perform accept_membership(v_hospital);
  end loop;

  v_token := gen_random_bytes(32);
  perform _open_session(v_owner, v_hospital, sha256(v_token), null, 1::smallint, array['password'], false, '192.0.2.1', 'seed', null);
  perform begin_request(v_token);
  for v_number in 1..500 loop
    v_role := create_role(format('Ward %s', v_number), format('Works on ward %s.', v_number));
    perform set_role_permissions(
      v_role,
      array[(array['sessions.read', 'audit.read', 'alerts.manage', 'members.manage'])[1 + v_number % 4]]
    );
    -- Each role has one holder, and each of the staff ten roles.
    perform assign_role(v_people[1 + v_number % 50], v_role);
  end loop;
end;
$$;

set local role safetypin_owner;

/* @name RequirePasswordChange */
select require_password_change(:userId!);

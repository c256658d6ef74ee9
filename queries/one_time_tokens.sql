/* @name VerifyEmail */
select verify_email(:token!) as "outcome!";

/* @name RequestEmailVerification */
select request_email_verification(:email!);

/*
 * A certificate that signs itself, for the names under which the clouds of a test are
 * reached on this machine, and its key. They are nobody's: no server but one of a test
 * has ever shown them, and they expire in a hundred years.
 */

/** Also the authority that a client has to trust. */
export const CLOUD_CERTIFICATE = `
-----BEGIN CERTIFICATE-----
MIIB2DCCAX+gAwIBAgIUQZWTPCVxAwzVPwGT9CMkicrygn8wCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQY2xvdWRzIG9mIGEgdGVzdDAgFw0yNjExMjcyMjM4MjhaGA8y
MTI2MTEwMzIyMzgyOFowGzEZMBcGA1UEAwwQY2xvdWRzIG9mIGEgdGVzdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABKcd/u4UuiFzFBD5efnTY/DCHZnawMbZAy/A
GbVVmBQxsh1BTw6vNMjmx7RON1dqKa4UWt3Ac9QoOPEKAQJuuIajgZ4wgZswHQYD
VR0OBBYEFPrdz7mL4ezQsW/Yk43jgS+d3ZHwMB8GA1UdIwQYMBaAFPrdz7mL4ezQ
sW/Yk43jgS+d3ZHwMA8GA1UdEwEB/wQFMAMBAf8wSAYDVR0RBEEwP4IJbG9jYWxo
b3N0ghEqLnZhdWx0LmF6dXJlLm5ldIIZbG9naW4ubWljcm9zb2Z0b25saW5lLmNv
bYcEfwAAATAKBggqhkjOPQQDAgNHADBEAiBTyTSQoxKAjy0zYYUOFX2VMSqSmTzU
qB4/uvQVhsUWXQIgbaSKCo45LLX9eLeWkqONP4BmnIjzKULw221y8TSWSKA=
-----END CERTIFICATE-----
`.trimStart();

/** Its private key. */
export const CLOUD_KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglaF0Z/AeKhLReu+6
O7cuqXd6igHXTyT5Oja1LeUnp8ehRANCAASnHf7uFLohcxQQ+Xn502Pwwh2Z2sDG
2QMvwBm1VZgUMbIdQU8OrzTI5se0TjdXaimuFFrdwHPUKDjxCgECbriG
-----END PRIVATE KEY-----
`.trimStart();

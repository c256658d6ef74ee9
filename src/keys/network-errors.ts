/** Whether Node names what went wrong between two machines: ECONNREFUSED, ENOTFOUND, EPIPE, a certificate's. */
export function isOfTheNetwork(code: unknown): boolean {
  return typeof code === "string" && /^(?:E[A-Z]{3,}|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
}

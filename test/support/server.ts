import {
  startServer,
  type EmbeddedServer,
  type ServerOptions,
} from "../../src/development/embedded-server.js";

/**
 * A server of one's own for the tests of a `describe` or a file: for tests that
 * stop it, read its files, change its settings, or make roles that others would
 * meet. It is the version that the rest of the run is tested on.
 */
export function useServer(options: ServerOptions = {}): { readonly server: EmbeddedServer } {
  const context = {} as { server: EmbeddedServer };

  beforeAll(async () => {
    context.server = await startServer({
      installation: process.env["SAFETYPIN_TEST_INSTALLATION"] || undefined,
      ...options,
    });
  }, 60_000);

  afterAll(() => context.server.stop());

  return context;
}

/** What the teardown stops: setup and teardown run in the same process, in modules of their own. */
const shared = globalThis as { safetypinStopServers?: (() => Promise<void>)[] };

/** How to stop each server that was started for this run. */
export const stopServers = (shared.safetypinStopServers ??= []);

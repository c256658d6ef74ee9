/** What Node's calls on a connection are named: whatever else it calls is about files. */
const OF_CONNECTIONS = /^(?:accept|bind|connect|getaddrinfo|listen|query[A-Z]\w*|shutdown)$/;

/** Whether a file or a folder is what went wrong, and not the way to another machine: both have ENOENT and EACCES. */
export function isOfFiles(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return false;
  const { syscall, code } = error as NodeJS.ErrnoException;
  return !OF_CONNECTIONS.test(syscall ?? "") && !/^(?:ECONN|EHOST|ENET|EPIPE|EPROTO|ETIMEDOUT)/.test(code ?? "");
}

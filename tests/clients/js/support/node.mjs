// Starts a development node as a process, and stops it.
import { spawn } from 'node:child_process';

const STARTED_MS_MAX = 60_000; // A debug build on a busy two-core machine opens its database in a few seconds.
const STOPPED_MS_MAX = 20_000;

/** Resolves as `promise` does, or fails with the name of what was awaited: nothing in these tests hangs. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing for ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Starts `BASALT_BIN --dev --tmp --rpc-port 0` and resolves to `{ ws, http, log, stop }` when it prints its address.
 * The port is chosen by the system, so that tests run beside each other and beside a node on 9944.
 */
export async function startNode(...flags) {
  const bin = process.env.BASALT_BIN;
  if (!bin) throw new Error('BASALT_BIN is not set: run `make test`, or BASALT_BIN=$(make -s build | tail -1) npm test');
  const child = spawn(bin, ['--dev', '--tmp', '--rpc-port', '0', ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const killIfWeDie = () => child.kill('SIGKILL');
  process.once('exit', killIfWeDie);

  let log = '';
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const printed = new Promise((resolve, reject) => {
    const read = (bytes) => {
      log += bytes;
      const address = /ws:\/\/127\.0\.0\.1:(\d+)/.exec(log);
      if (address) resolve(address[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    exited.then(({ code, signal }) => reject(new Error(`the node ended (${signal ?? code}) before it was ready:\n${log}`)));
  });

  let port;
  try {
    port = await within(STARTED_MS_MAX, 'the address of the node', printed);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${error.message}\n${log}`);
  }
  return {
    ws: `ws://127.0.0.1:${port}`,
    http: `http://127.0.0.1:${port}`,
    log: () => log,
    /** Asks it to stop, as systemd and Ctrl-C do; resolves to its exit code. */
    async stop() {
      child.kill('SIGTERM');
      try {
        const { code, signal } = await within(STOPPED_MS_MAX, 'the end of the node after SIGTERM', exited);
        return code ?? signal;
      } finally {
        child.kill('SIGKILL');
        process.removeListener('exit', killIfWeDie);
      }
    },
  };
}

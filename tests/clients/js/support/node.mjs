// Starts a development node or a local network as processes, and stops them.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

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
  const node = start(['--dev', '--tmp', '--rpc-port', '0', ...flags]);
  const [, port] = await node.printed(/ws:\/\/127\.0\.0\.1:(\d+)/);
  return { ws: `ws://127.0.0.1:${port}`, http: `http://127.0.0.1:${port}`, log: node.log, stop: node.stop };
}

/**
 * A network of `validators` nodes: `{ ws: [...], log, stop }`. `BASALT_WS`, addresses separated by commas, names one that
 * runs already; then none is started, and none stopped.
 */
export async function startNetwork(validators, ...flags) {
  const running = process.env.BASALT_WS;
  if (running) return { ws: running.split(','), log: () => '', stop: async () => 0 };
  const base = await freePorts(validators);
  const network = start(['localnet', '--validators', `${validators}`, '--base-port', `${base}`, '--tmp', ...flags]);
  await network.printed(/Ctrl-C here/);
  const ws = Array.from({ length: validators }, (_, index) => `ws://127.0.0.1:${base + index}`);
  return { ws, log: network.log, stop: network.stop };
}

/** A base port of a local network (RPC), beside which the ports for peers and metrics are free, too. */
async function freePorts(validators) {
  const free = (port) => new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
  for (let base = 22_000 + (process.pid % 200) * 10; base < 30_000; base += 10) {
    const ports = Array.from({ length: validators }, (_, n) => [base + n, base + n + 20_389, base + n - 329]).flat();
    if ((await Promise.all(ports.map(free))).every(Boolean)) return base;
  }
  throw new Error('no ports are free for a local network');
}

/** Starts `BASALT_BIN` with these arguments: `{ printed(pattern), log, stop }`. */
function start(flags) {
  const bin = process.env.BASALT_BIN;
  if (!bin) throw new Error('BASALT_BIN is not set: run `make test`, or BASALT_BIN=$(make -s build | tail -1) npm test');
  const child = spawn(bin, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  const killIfWeDie = () => child.kill('SIGKILL');
  process.once('exit', killIfWeDie);

  let log = '';
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  return {
    log: () => log,
    /** Waits until it has printed something like `pattern`; resolves to the match. */
    async printed(pattern) {
      const found = new Promise((resolve, reject) => {
        const read = (bytes) => {
          log += bytes;
          const match = pattern.exec(log);
          if (match) resolve(match);
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
        child.once('error', reject);
        exited.then(({ code, signal }) => reject(new Error(`it ended (${signal ?? code}) before it was ready:\n${log}`)));
      });
      try {
        return await within(STARTED_MS_MAX, `${pattern}`, found);
      } catch (error) {
        child.kill('SIGKILL');
        throw new Error(`${error.message}\n${log}`);
      }
    },
    /** Asks it to stop, as systemd and Ctrl-C do; resolves to its exit code. */
    async stop() {
      child.kill('SIGTERM');
      try {
        const { code, signal } = await within(STOPPED_MS_MAX, 'its end after SIGTERM', exited);
        return code ?? signal;
      } finally {
        child.kill('SIGKILL');
        process.removeListener('exit', killIfWeDie);
      }
    },
  };
}

// What several tests do with a chain.
import assert from 'node:assert/strict';
import { within } from './node.mjs';

export const FINALIZED_MS_MAX = 30_000;

/** Signs and sends `tx`; resolves to polkadot.js' result at finality, with the statuses that led there. */
export async function finalize(tx, signer, options = {}) {
  const statuses = [];
  let unsubscribe;
  const finalized = new Promise((resolve, reject) => {
    tx.signAndSend(signer, options, (result) => {
      statuses.push(result.status.type);
      if (result.isFinalized) resolve(result);
      else if (result.isError) reject(new Error(`the transaction is ${result.status.type} after ${statuses}`));
    }).then((stop) => (unsubscribe = stop), reject);
  });
  try {
    const result = await within(FINALIZED_MS_MAX, `finality (so far: ${statuses})`, finalized);
    return Object.assign(result, { statuses });
  } finally {
    unsubscribe?.();
  }
}

/** Names of events, as `balances.Transfer`. */
export const names = (records) => records.map(({ event }) => `${event.section}.${event.method}`);

/** The only event of that name. */
export function event(records, name) {
  const found = records.filter(({ event }) => `${event.section}.${event.method}` === name);
  assert.equal(found.length, 1, `one ${name} among ${names(records)}`);
  return found[0].event;
}

export const free = async (at, address) => (await at.query.system.account(address)).data.free.toBigInt();

/** Checks that a raw submission is refused with this code, and that the text in `data` says why. */
export async function refused(api, bytes, code, text) {
  const provider = api._rpcCore.provider;
  for (const [method, send] of [
    ['author_submitExtrinsic', () => provider.send('author_submitExtrinsic', [bytes])],
    ['author_submitAndWatchExtrinsic', () =>
      provider.subscribe('author_extrinsicUpdate', 'author_submitAndWatchExtrinsic', [bytes], () => {})],
  ]) {
    await assert.rejects(send, (error) => {
      assert.equal(error.code, code, `${method}: ${error.message}`);
      assert.match(JSON.stringify(error.data ?? ''), text, `${method}: ${error.message}`);
      return true;
    });
  }
}

// What a wallet does with a network: it talks to one node, and all others have what became final there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { event, finalize, free } from '../support/chain.mjs';
import { startNetwork, within } from '../support/node.mjs';

const UNIT = 10n ** 12n;

/** Resolves when `api` has block `number` as final. */
async function reaches(api, number) {
  let unsubscribe;
  const reached = new Promise((resolve, reject) => {
    api.rpc.chain.subscribeFinalizedHeads((head) => head.number.toNumber() >= number && resolve())
      .then((stop) => (unsubscribe = stop), reject);
  });
  try {
    await within(30_000, `block ${number} on another node`, reached);
  } finally {
    unsubscribe?.();
  }
}

describe('@polkadot/api on a network of four validators', { timeout: 300_000 }, () => {
  let network, apis, alice, eve;

  before(async () => {
    await cryptoWaitReady();
    const keyring = new Keyring({ type: 'sr25519' });
    [alice, eve] = ['//Alice', '//Eve'].map((suri) => keyring.addFromUri(suri));
    network = await startNetwork(4, '--block-time', '200ms', '--log', 'warn');
    apis = await Promise.all(network.ws.map((ws) => within(60_000, `@polkadot/api on ${ws}`,
      ApiPromise.create({ provider: new WsProvider(ws), throwOnConnect: true }))));
  });

  after(async () => {
    await Promise.all((apis ?? []).map((api) => api.disconnect()));
    assert.equal(await network?.stop(), 0, `the network stops cleanly when asked to:\n${network?.log()}`);
  });

  test('all nodes are of one chain, and know each other', async () => {
    for (const api of apis) {
      assert.equal(api.genesisHash.toHex(), apis[0].genesisHash.toHex());
      const health = await api.rpc.system.health();
      assert.equal(health.shouldHavePeers.isTrue, true);
      assert.ok(health.peers.toNumber() >= apis.length - 1, `${health.peers} peers`);
    }
  });

  test('a transfer that is final on one node is final on another, with the same block and balances', async () => {
    const [first, third] = [apis[0], apis.at(-2)];
    const amount = 5n * UNIT;
    // Eve makes no blocks, and so earns nothing meanwhile.
    const before = await free(third, eve.address);
    const result = await finalize(first.tx.balances.transferKeepAlive(eve.address, amount), alice);
    assert.equal(event(result.events, 'balances.Transfer').data.amount.toBigInt(), amount);
    const hash = result.status.asFinalized;
    const number = (await first.rpc.chain.getHeader(hash)).number.toNumber();
    await reaches(third, number);
    assert.equal((await third.rpc.chain.getBlockHash(number)).toHex(), hash.toHex());
    assert.equal(await free(await third.at(hash), eve.address), before + amount);
    const { block } = await third.rpc.chain.getBlock(hash);
    assert.ok(block.extrinsics.some((extrinsic) => extrinsic.hash.eq(result.txHash)), 'the block holds the transfer');
  });

  test('each node takes transactions of its own', async () => {
    let number = 0;
    for (const api of apis) {
      // Else it would not know the nonce that the one before led to.
      await reaches(api, number);
      const result = await finalize(api.tx.system.remark(api.genesisHash.toHex()), alice);
      number = (await api.rpc.chain.getHeader(result.status.asFinalized)).number.toNumber();
    }
    const nonces = [];
    for (const api of apis) {
      await reaches(api, number);
      nonces.push((await api.rpc.system.accountNextIndex(alice.address)).toNumber());
    }
    assert.ok(nonces.every((nonce) => nonce === nonces[0] && nonce >= apis.length), `${nonces}`);
  });
});

// What a wallet does, on a fresh development node, with nothing told to @polkadot/api about the chain.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import { Metadata, TypeRegistry } from '@polkadot/types';
import { compactFromU8a, hexToU8a, u8aEq, u8aToHex } from '@polkadot/util';
import { blake2AsHex, cryptoWaitReady, randomAsU8a } from '@polkadot/util-crypto';
import { event, finalize, free, names, refused } from '../support/chain.mjs';
import { startNode, within } from '../support/node.mjs';

const UNIT = 10n ** 12n;

describe('@polkadot/api on a development node', { timeout: 300_000 }, () => {
  let node, provider, api, alice, bob, charlie, dave, eve;

  before(async () => {
    await cryptoWaitReady();
    const keyring = new Keyring({ type: 'sr25519' });
    [alice, bob, charlie, dave, eve] =
      ['//Alice', '//Bob', '//Charlie', '//Dave', '//Eve'].map((suri) => keyring.addFromUri(suri));
    node = await startNode();
    provider = new WsProvider(node.ws);
    api = await within(60_000, 'the start of @polkadot/api', ApiPromise.create({ provider, throwOnConnect: true }));
  });

  after(async () => {
    await api?.disconnect();
    assert.equal(await node?.stop(), 0, `the node stops cleanly when asked to:\n${node?.log()}`);
  });

  test('the chain says who it is, and says the same everywhere', async () => {
    assert.equal(api.registry.chainSS58, 42);
    assert.deepEqual(api.registry.chainDecimals, [12]);
    const version = api.runtimeVersion;
    const fields = (v) => [v.specName, v.implName, v.specVersion, v.implVersion, v.transactionVersion, v.apis].map(String);
    assert.deepEqual(fields(api.consts.system.version), fields(version), 'the constant that PAPI signs with');
    assert.deepEqual(fields(await api.call.core.version()), fields(version), 'the runtime call that subxt makes');
    assert.deepEqual(fields(await api.rpc.state.getRuntimeVersion(api.genesisHash)), fields(version));
    assert.equal((await api.rpc.chain.getBlockHash(0)).toHex(), api.genesisHash.toHex());
    const health = await api.rpc.system.health();
    assert.equal(health.isSyncing.isTrue, false);
    assert.equal((await api.rpc.system.chainType()).toString(), 'Development');
  });

  test('metadata V14, V15 and V16 decode, and describe the same pallets', async () => {
    const list = await api.call.metadata.metadataVersions();
    const versions = list.map((version) => version.toNumber()).filter((version) => version < 100);
    assert.deepEqual(versions, [14, 15, 16]);
    const described = [];
    for (const version of versions) {
      const argument = u8aToHex(new Uint8Array([version, 0, 0, 0]));
      const answer = hexToU8a(await provider.send('state_call', ['Metadata_metadata_at_version', argument]));
      assert.equal(answer[0], 1, `Some, for version ${version}`);
      const [prefix, length] = compactFromU8a(answer.subarray(1));
      const bytes = answer.subarray(1 + prefix);
      assert.equal(bytes.length, length.toNumber(), 'nothing after the metadata');
      const registry = new TypeRegistry();
      const metadata = new Metadata(registry, bytes);
      assert.equal(metadata.version, version);
      assert.equal(u8aToHex(metadata.toU8a()), u8aToHex(bytes), `version ${version} encodes to what was decoded`);
      registry.setMetadata(metadata);
      described.push(metadata.asLatest.pallets.map((pallet) => [
        pallet.name.toString(),
        pallet.index.toNumber(),
        pallet.calls.isSome && registry.lookup.getSiType(pallet.calls.unwrap().type).def.asVariant.variants
          .map((call) => `${call.index} ${call.name}(${call.fields.map((field) => field.name.unwrap())})`),
        pallet.storage.isSome && pallet.storage.unwrap().items.map((item) => item.name.toString()),
        pallet.constants.map((constant) => constant.name.toString()),
      ]));
    }
    assert.deepEqual(described[0], described[2]);
    assert.deepEqual(described[1], described[2]);
    assert.equal(api.runtimeMetadata.version, 16, 'polkadot.js takes the newest');
    assert.equal((await api.rpc.state.getMetadata()).version, 14, 'the old method stays at what everybody can read');
    assert.equal(api.extrinsicVersion, 4);
  });

  test('signed extensions are those of FRAME, in its order', () => {
    assert.deepEqual(api.registry.signedExtensions.filter((name) => name !== 'WeightReclaim'), [
      'CheckNonZeroSender', 'CheckSpecVersion', 'CheckTxVersion', 'CheckGenesis', 'CheckMortality', 'CheckNonce',
      'CheckWeight', 'ChargeTransactionPayment', 'CheckMetadataHash',
    ]);
  });

  test('every constant, and the default of every storage entry, is what its type says', () => {
    let constants = 0;
    let defaults = 0;
    for (const [section, entries] of Object.entries(api.consts)) {
      for (const [name, constant] of Object.entries(entries)) {
        assert.ok(u8aEq(constant.toU8a(), constant.meta.value.toU8a(true)), `${section}.${name}`);
        constants += 1;
      }
    }
    for (const pallet of api.runtimeMetadata.asLatest.pallets) {
      for (const { name, type, modifier, fallback } of pallet.storage.unwrapOr({ items: [] }).items) {
        const lookup = type.isPlain ? type.asPlain : type.asMap.value;
        const bytes = fallback.toU8a(true);
        if (modifier.isOptional) continue;
        const value = api.registry.createTypeUnsafe(api.registry.createLookupType(lookup), [bytes]);
        assert.equal(u8aToHex(value.toU8a()), u8aToHex(bytes), `${pallet.name}.${name}`);
        defaults += 1;
      }
    }
    assert.ok(constants >= 8 && defaults >= 8, `${constants} constants and ${defaults} defaults were looked at`);
    assert.equal(api.consts.system.ss58Prefix.toNumber(), 42);
    assert.ok(api.consts.system.blockHashCount.toNumber() >= 256);
    assert.ok(api.consts.balances.existentialDeposit.toBigInt() > 0n);
    assert.ok(api.consts.timestamp.minimumPeriod);
  });

  test('a transfer is finalised: balances, fee, nonce and events are exact', async () => {
    const amount = 3n * UNIT + 7n;
    const tx = api.tx.balances.transferKeepAlive(charlie.address, amount);
    const [bobBefore, charlieBefore] = [await free(api, bob.address), await free(api, charlie.address)];
    const nonceBefore = (await api.query.system.account(bob.address)).nonce.toNumber();
    const promised = (await tx.paymentInfo(bob)).partialFee.toBigInt();
    assert.ok(promised > 0n);

    const result = await finalize(tx, bob);
    assert.equal(result.dispatchError, undefined);
    const block = result.status.asFinalized;

    const paid = event(result.events, 'transactionPayment.TransactionFeePaid').data;
    assert.equal(paid.who.toString(), bob.address);
    assert.equal(paid.actualFee.toBigInt(), promised, 'the fee that was promised is the fee that was paid');
    assert.equal(paid.tip.toBigInt(), 0n);
    const transfer = event(result.events, 'balances.Transfer').data;
    assert.deepEqual(transfer.toArray().map(String), [bob.address, charlie.address, amount.toString()]);

    const order = names(result.events);
    const position = (name) => order.indexOf(name);
    assert.equal(order.at(-1), 'system.ExtrinsicSuccess', `${order}`);
    assert.equal(order[0], 'balances.Withdraw', `${order}`);
    assert.ok(position('balances.Transfer') < position('transactionPayment.TransactionFeePaid'), `${order}`);

    const at = await api.at(block);
    const account = await at.query.system.account(bob.address);
    assert.equal(account.data.free.toBigInt(), bobBefore - amount - promised);
    assert.equal(await free(at, charlie.address), charlieBefore + amount);
    assert.equal(account.nonce.toNumber(), nonceBefore + 1);
    assert.equal((await api.call.accountNonceApi.accountNonce(bob.address)).toNumber(), nonceBefore + 1);

    const { block: { extrinsics, header } } = await api.rpc.chain.getBlock(block);
    assert.equal(extrinsics[result.txIndex].hash.toHex(), tx.hash.toHex(), 'it stands where its events say');
    assert.equal(`${extrinsics[0].method.section}.${extrinsics[0].method.method}`, 'timestamp.set');
    const stored = (await at.query.system.events())
      .filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eqn(result.txIndex));
    assert.deepEqual(names(stored), order, 'the events in state are those of the subscription');

    const parent = await api.at(header.parentHash);
    assert.equal(await free(parent, bob.address), bobBefore, 'the parent block still knows the old balance');
  });

  test('a tip and an immortal era are accepted, and the tip is paid on top', async () => {
    const tx = api.tx.system.remarkWithEvent('0x0102');
    const tip = 5_000_000n;
    const result = await finalize(tx, charlie, { era: 0, tip });
    const paid = event(result.events, 'transactionPayment.TransactionFeePaid').data;
    assert.equal(paid.tip.toBigInt(), tip);
    assert.ok(paid.actualFee.toBigInt() > tip);
    assert.equal(event(result.events, 'system.Remarked').data.hash_.toHex(), blake2AsHex('0x0102'));
  });

  test('the hash of a header is the hash that the node serves it under', async () => {
    const head = await api.rpc.chain.getFinalizedHead();
    for (let hash = head; ; ) {
      const header = await api.rpc.chain.getHeader(hash);
      assert.equal(header.hash.toHex(), hash.toHex(), `block ${header.number}`);
      assert.equal((await api.rpc.chain.getBlockHash(header.number.unwrap())).toHex(), hash.toHex());
      if (header.number.unwrap().isZero()) break;
      hash = header.parentHash;
    }
    assert.equal((await provider.send('chain_getHeader', [`0x${'77'.repeat(32)}`])), null);
  });

  test('accounts are iterated page by page, and their balances add up to the issuance', async () => {
    const at = await api.at(await api.rpc.chain.getFinalizedHead());
    const all = await at.query.system.account.entries();
    assert.ok(all.length >= 6, 'the development accounts');
    const paged = [];
    for (let startKey; ; ) {
      const page = await at.query.system.account.entriesPaged({ args: [], pageSize: 2, startKey });
      paged.push(...page);
      if (page.length < 2) break;
      startKey = page.at(-1)[0].toHex();
    }
    const flat = (entries) => entries.map(([key, value]) => [key.toHex(), value.toHex()]);
    assert.deepEqual(flat(paged), flat(all));
    assert.deepEqual(flat(all).map(([key]) => key), flat(all).map(([key]) => key).sort(), 'in the order of bytes');
    assert.ok(all.some(([key]) => key.args[0].toString() === bob.address), 'keys decode to accounts');
    const sum = all.reduce((sum, [, { data }]) => sum + data.free.toBigInt() + data.reserved.toBigInt(), 0n);
    assert.equal(sum, (await at.query.balances.totalIssuance()).toBigInt());
    await assert.rejects(
      provider.send('state_getKeysPaged', ['0x', 1001]),
      (error) => error.code === 4002 && /exceeds maximum/.test(error.message),
    );
  });

  test('heads, new and finalised, are announced in order, and a storage subscription follows the blocks', async () => {
    const heads = { new: [], finalized: [] };
    let target = Infinity;
    const stops = [];
    const reached = new Promise((resolve) => {
      const look = () => Object.values(heads).every((seen) => seen.some((number) => number >= target)) && resolve();
      const note = (seen) => (header) => { seen.push(header.number.toNumber()); look(); };
      stops.push(api.rpc.chain.subscribeNewHeads(note(heads.new)), api.rpc.chain.subscribeFinalizedHeads(note(heads.finalized)));
    });
    const balances = [];
    let arrived;
    const first = new Promise((resolve) => (arrived = resolve));
    stops.push(api.query.system.account(eve.address, (account) => {
      balances.push(account.data.free.toBigInt());
      arrived();
    }));
    const unsubscribe = await Promise.all(stops);
    await within(20_000, 'the value that comes with the subscription', first);
    const result = await finalize(api.tx.balances.transferKeepAlive(eve.address, UNIT), dave);
    target = (await api.rpc.chain.getHeader(result.status.asFinalized)).number.toNumber();
    const second = await finalize(api.tx.balances.transferKeepAlive(eve.address, UNIT), dave);
    target = (await api.rpc.chain.getHeader(second.status.asFinalized)).number.toNumber();
    await within(20_000, `heads up to ${target}, got ${JSON.stringify(heads)}`, reached);
    for (const seen of Object.values(heads)) {
      for (let i = 1; i < seen.length; i += 1) assert.equal(seen[i], seen[i - 1] + 1, `${seen}`);
    }
    assert.deepEqual(balances.slice(1), [balances[0] + UNIT, balances[0] + 2n * UNIT], 'one notification per change');
    unsubscribe.forEach((stop) => stop());
  });

  test('a batch runs its calls in order, with an event for each', async () => {
    const calls = [UNIT, 2n * UNIT].map((amount) => api.tx.balances.transferKeepAlive(dave.address, amount));
    const all = await finalize(api.tx.utility.batchAll(calls), bob);
    const relevant = (result) => names(result.events).filter((name) => /^utility|Transfer|system.Extrinsic/.test(name));
    assert.deepEqual(relevant(all), [
      'balances.Transfer', 'utility.ItemCompleted', 'balances.Transfer', 'utility.ItemCompleted',
      'utility.BatchCompleted', 'system.ExtrinsicSuccess',
    ]);

    const impossible = api.tx.balances.transferKeepAlive(dave.address, 10n ** 30n);
    const forced = await finalize(api.tx.utility.forceBatch([impossible, calls[0]]), bob);
    assert.deepEqual(relevant(forced), [
      'utility.ItemFailed', 'balances.Transfer', 'utility.ItemCompleted', 'utility.BatchCompletedWithErrors',
      'system.ExtrinsicSuccess',
    ]);

    const before = await free(api, dave.address);
    const undone = await finalize(api.tx.utility.batchAll([calls[0], impossible]), bob);
    assert.ok(undone.dispatchError);
    assert.deepEqual(relevant(undone), ['system.ExtrinsicFailed']);
    assert.equal(await free(api, dave.address), before, 'batch_all undoes what came before the failure');
  });

  test('a failed call keeps its fee and nonce, and its error has a name', async () => {
    const [before, nonceBefore] = [await free(api, bob.address), await api.rpc.system.accountNextIndex(bob.address)];
    const result = await finalize(api.tx.sudo.sudo(api.tx.system.remark('0x00')), bob);
    assert.equal(names(result.events).at(-1), 'system.ExtrinsicFailed');
    assert.ok(result.dispatchError.isModule, `${result.dispatchError}`);
    const error = api.registry.findMetaError(result.dispatchError.asModule);
    assert.deepEqual([error.section, error.name], ['sudo', 'RequireSudo']);
    assert.ok(error.docs.join('').length > 0, 'an error explains itself');
    const fee = event(result.events, 'transactionPayment.TransactionFeePaid').data.actualFee.toBigInt();
    assert.equal(await free(api, bob.address), before - fee);
    assert.equal((await api.rpc.system.accountNextIndex(bob.address)).toNumber(), nonceBefore.toNumber() + 1);

    const tooMuch = await finalize(api.tx.balances.transferKeepAlive(charlie.address, 10n ** 30n), bob);
    assert.ok(tooMuch.dispatchError.isToken, `${tooMuch.dispatchError}`);
    assert.equal(tooMuch.dispatchError.asToken.type, 'FundsUnavailable');
  });

  test('sudo acts as root', async () => {
    const call = api.tx.balances.forceSetBalance(eve.address, 1234n * UNIT);
    const result = await finalize(api.tx.sudo.sudo(call), alice);
    assert.ok(event(result.events, 'sudo.Sudid').data[0].isOk);
    assert.equal(await free(api, eve.address), 1234n * UNIT);
  });

  test('many transactions of one sender, sent at once, are all included in the order of their nonces', async () => {
    const first = (await api.rpc.system.accountNextIndex(dave.address)).toNumber();
    const sent = await Promise.all([4, 2, 0, 1, 3].map((i) =>
      finalize(api.tx.system.remarkWithEvent(u8aToHex(new Uint8Array([i]))), dave, { nonce: first + i })));
    assert.equal((await api.rpc.system.accountNextIndex(dave.address)).toNumber(), first + 5);
    const places = [2, 3, 1, 4, 0].map((i) => sent[i]).map((r) => r.blockNumber.toNumber() * 1e6 + r.txIndex);
    assert.deepEqual(places, [...places].sort((a, b) => a - b));
  });

  test('a stale, an unpayable and a badly signed transaction are refused with code 1010, each with its reason', async () => {
    const nonce = (await api.rpc.system.accountNextIndex(bob.address)).toNumber();
    const remark = () => api.tx.system.remark('0x00');
    const stale = await remark().signAsync(bob, { nonce: nonce - 1 });
    await refused(api, stale.toHex(), 1010, /Transaction is outdated/);

    const poor = new Keyring({ type: 'sr25519' }).addFromSeed(randomAsU8a(32));
    const unpayable = await remark().signAsync(poor, { nonce: 0 });
    await refused(api, unpayable.toHex(), 1010, /Inability to pay some fees/);

    const forged = await remark().signAsync(bob, { nonce });
    const bytes = forged.toU8a();
    const signature = forged.signature.toU8a().slice(-64);
    const start = bytes.findIndex((_, i) => u8aEq(bytes.subarray(i, i + 64), signature));
    assert.ok(start > 0);
    bytes[start] ^= 1;
    const submit = () => provider.send('author_submitExtrinsic', [u8aToHex(bytes)]);
    await assert.rejects(submit, (error) => error.code === 1010 && /Transaction has a bad signature/.test(error.data));
    // No state makes it good, so it is not even looked at again for a while: as in Substrate.
    await assert.rejects(submit, (error) => error.code === 1012);

    await assert.rejects(provider.send('author_submitExtrinsic', ['0x01020304']), (error) => [1001, 1002].includes(error.code));
    assert.equal((await api.rpc.system.accountNextIndex(bob.address)).toNumber(), nonce, 'none of them counts');
    const twice = await remark().signAsync(bob, { nonce: nonce + 1 });
    await provider.send('author_submitExtrinsic', [twice.toHex()]);
    await refused(api, twice.toHex(), 1013, /.*/);
    await finalize(remark(), bob, { nonce });
  });

  test('a transaction with a nonce too high waits for the one before it', async () => {
    const nonce = (await api.rpc.system.accountNextIndex(eve.address)).toNumber();
    const statuses = [];
    let note;
    const isFuture = new Promise((resolve) => (note = resolve));
    const later = new Promise((resolve, reject) => {
      api.tx.system.remark('0x01').signAndSend(eve, { nonce: nonce + 1 }, ({ status, isFinalized }) => {
        statuses.push(status.type);
        note();
        if (isFinalized) resolve();
      }).catch((error) => { note(); reject(error); });
    });
    await within(10_000, 'the first status', isFuture);
    await finalize(api.tx.system.remark('0x02'), dave); // A block without it.
    assert.deepEqual(statuses, ['Future']);
    assert.equal((await api.rpc.system.accountNextIndex(eve.address)).toNumber(), nonce, 'a gap is not counted');
    await finalize(api.tx.system.remark('0x03'), eve, { nonce });
    await within(20_000, `finality of the later one, so far ${statuses}`, later);
    assert.equal(statuses[1], 'Ready');
  });

  test('derived balances, account info and fee details are what screens show', async () => {
    const all = await api.derive.balances.all(bob.address);
    assert.equal(all.freeBalance.toBigInt(), await free(api, bob.address));
    assert.ok(all.availableBalance.toBigInt() > 0n && all.lockedBalance.isZero());
    const details = await api.call.transactionPaymentApi.queryFeeDetails(
      (await api.tx.system.remark('0x00').signAsync(bob)).toU8a(), 120);
    const { baseFee, lenFee, adjustedWeightFee } = details.inclusionFee.unwrap();
    assert.ok(baseFee.toBigInt() + lenFee.toBigInt() + adjustedWeightFee.toBigInt() > 0n);
    assert.equal((await api.query.system.blockHash(0)).toHex(), api.genesisHash.toHex(), 'PAPI falls back to it');
    const header = await api.derive.chain.getHeader(await api.rpc.chain.getFinalizedHead());
    assert.ok(header.number.toNumber() > 0);
    const now = (await api.query.timestamp.now()).toNumber();
    assert.ok(Math.abs(Date.now() - now) < 3_600_000, 'milliseconds since 1970');
  });

  test('an unknown method and bad parameters have the codes of JSON-RPC', async () => {
    await assert.rejects(provider.send('no_such_method', []), (error) =>
      error.code === -32601 && /Method not found$/.test(error.message));
    await assert.rejects(provider.send('chain_getHeader', ['not a hash']), (error) => error.code === -32602);
    await assert.rejects(provider.send('state_call', ['No_such_call', '0x']), (error) =>
      /Exported method No_such_call is not found/.test(`${error.message} ${error.data}`));
  });

  test('HTTP works on the same port: single, batch, and from a page in a browser', async () => {
    const post = (body) => fetch(node.http, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'https://polkadot.js.org' },
      body: JSON.stringify(body),
    });
    const request = (id, method, params = []) => ({ jsonrpc: '2.0', id, method, params });
    const single = await post(request('a-1', 'chain_getBlockHash', [0]));
    assert.ok(['*', 'https://polkadot.js.org'].includes(single.headers.get('access-control-allow-origin')));
    assert.deepEqual(await single.json(), { jsonrpc: '2.0', id: 'a-1', result: api.genesisHash.toHex() });
    const batch = await (await post([request(1, 'system_chain'), request(2, 'chain_getHeader', null)])).json();
    assert.deepEqual(batch.map(({ id }) => id).sort(), [1, 2]);
    assert.ok(batch.every((answer) => answer.result));
    const { methods } = (await (await post(request(3, 'rpc_methods'))).json()).result;
    for (const family of ['archive_v1_', 'chainHead_v1_', 'transaction_v1_']) {
      const some = methods.filter((method) => method.startsWith(family));
      assert.ok(some.length === 0 || some.length >= 2, `half a family misleads clients: ${some}`);
    }
  });
});

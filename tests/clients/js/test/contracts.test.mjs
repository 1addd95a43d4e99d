// What a dApp does with an ink! 5 contract: upload, instantiate, dry run, call, events, storage. Unmodified api-contract.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { Abi, BlueprintPromise, CodePromise, ContractPromise } from '@polkadot/api-contract';
import { Keyring } from '@polkadot/keyring';
import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, cryptoWaitReady } from '@polkadot/util-crypto';
import { event, finalize, names } from '../support/chain.mjs';
import { startNode, within } from '../support/node.mjs';

/** An example as `make contracts` builds it: beside the target folder, wherever that is. */
function example(name) {
  const target = process.env.CARGO_TARGET_DIR ?? join(homedir(), '.cache/basalt/build');
  const folder = process.env.CONTRACTS_OUT ?? join(dirname(target), 'contracts/out');
  const file = join(folder, `${name}.contract`);
  assert.ok(existsSync(file), `${file} is missing: run \`make contracts\``);
  return JSON.parse(readFileSync(file, 'utf8'));
}

describe('@polkadot/api-contract on a development node', { timeout: 300_000 }, () => {
  const SUPPLY = 1_000_000n;
  let node, api, alice, bob, charlie, gasLimit, token;

  /** A dry run that a client would do before it sends; resolves to the value that the message returned. */
  async function ask(contract, message, caller, ...parameters) {
    const answer = await contract.query[message](caller.address, { gasLimit }, ...parameters);
    assert.ok(answer.result.isOk, `${message}: ${answer.result}`);
    assert.equal(answer.result.asOk.flags.toNumber(), 0, `${message} does not revert: ${answer.output}`);
    return answer.output.asOk;
  }

  before(async () => {
    await cryptoWaitReady();
    const keyring = new Keyring({ type: 'sr25519' });
    [alice, bob, charlie] = ['//Alice', '//Bob', '//Charlie'].map((suri) => keyring.addFromUri(suri));
    node = await startNode();
    const provider = new WsProvider(node.ws);
    api = await within(60_000, 'the start of @polkadot/api', ApiPromise.create({ provider, throwOnConnect: true }));
    gasLimit = api.registry.createType('WeightV2', { refTime: 100_000_000_000n, proofSize: 1_000_000n });
  });

  after(async () => {
    await api?.disconnect();
    assert.equal(await node?.stop(), 0, `the node stops cleanly when asked to:\n${node?.log()}`);
  });

  test('code is uploaded and instantiated in one transaction', async () => {
    const code = new CodePromise(api, example('token'), undefined);
    const result = await finalize(code.tx.new({ gasLimit, storageDepositLimit: null }, SUPPLY), alice);
    assert.ok(result.contract, `a contract among ${names(result.events)}`);
    token = result.contract;
    const salt = new Uint8Array();
    const data = code.abi.findConstructor('new').toU8a([SUPPLY]);
    const address = blake2AsU8a(u8aConcat(
      stringToU8a('contract_addr_v1'), alice.publicKey, code.abi.info.source.wasmHash.toU8a(), data,
      api.createType('Bytes', u8aToHex(salt)).toU8a(),
    ));
    assert.equal(u8aToHex(token.address.toU8a()), u8aToHex(address), 'the address that clients compute beforehand');
    const stored = event(result.events, 'contracts.CodeStored').data;
    assert.equal(stored.codeHash.toHex(), code.abi.info.source.wasmHash.toHex());
    assert.equal(event(result.events, 'contracts.Instantiated').data.contract.toString(), token.address.toString());
    const info = (await api.query.contracts.contractInfoOf(token.address)).unwrap();
    assert.equal(info.codeHash.toHex(), code.abi.info.source.wasmHash.toHex());
    assert.equal((await api.query.contracts.pristineCode(info.codeHash)).unwrap().toHex(), u8aToHex(code.code));
  });

  test('a dry run returns values, and what a call needs', async () => {
    assert.equal((await ask(token, 'totalSupply', bob)).toBigInt(), SUPPLY);
    assert.equal((await ask(token, 'balanceOf', bob, alice.address)).toBigInt(), SUPPLY);
    const answer = await token.query.transfer(alice.address, { gasLimit: -1 }, bob.address, 1);
    assert.ok(answer.result.isOk, `with the gas that api-contract asks for by itself: ${answer.result}`);
    assert.ok(answer.gasRequired.refTime.toBigInt() > 0n);
    assert.ok(answer.storageDeposit.isCharge && answer.storageDeposit.asCharge.toBigInt() > 0n, 'a new balance is stored');
  });

  test('a call with exactly the gas and deposit of its dry run works, and emits what its metadata says', async () => {
    const dry = await token.query.transfer(alice.address, { gasLimit }, bob.address, 250);
    const options = { gasLimit: dry.gasRequired, storageDepositLimit: dry.storageDeposit.asCharge };
    const result = await finalize(token.tx.transfer(options, bob.address, 250), alice);
    assert.equal(result.contractEvents.length, 1, `one event of the contract among ${names(result.events)}`);
    const [{ event: { identifier }, args }] = result.contractEvents;
    assert.match(identifier, /Transfer/);
    const [from, to, value] = args;
    assert.equal(from.toString(), alice.address);
    assert.equal(to.toString(), bob.address);
    assert.equal(value.toBigInt(), 250n);
    event(result.events, 'contracts.Called');
    event(result.events, 'system.ExtrinsicSuccess');
    assert.equal((await ask(token, 'balanceOf', bob, bob.address)).toBigInt(), 250n);
    const charged = event(result.events, 'contracts.StorageDepositTransferredAndHeld').data.amount;
    assert.equal(charged.toBigInt(), dry.storageDeposit.asCharge.toBigInt(), 'the deposit is what the dry run said');
  });

  test('events are found again by their topics, as explorers look for them', async () => {
    const hash = (await finalize(token.tx.transfer({ gasLimit }, charlie.address, 3), bob)).status.asFinalized;
    const records = await (await api.at(hash)).query.system.events();
    const [record] = records.filter(({ event }) => event.method === 'ContractEmitted');
    assert.ok(record.topics.length >= 3, `signature, from, to: ${record.topics}`);
    const decoded = token.abi.decodeEvent(record);
    assert.equal(decoded.args[2].toBigInt(), 3n);
    const signature = token.abi.events.find(({ signatureTopic }) => signatureTopic === record.topics[0].toHex());
    assert.ok(signature, 'the first topic is the signature in the metadata');
  });

  test('what a contract refuses says why, before and after it is sent', async () => {
    const dry = await token.query.transfer(charlie.address, { gasLimit }, bob.address, SUPPLY);
    assert.equal(dry.result.asOk.flags.toNumber(), 1, 'it reverts');
    assert.equal(dry.output.asOk.asErr.type, 'InsufficientBalance');
    const sent = await finalize(token.tx.transfer({ gasLimit }, bob.address, SUPPLY), charlie);
    const failed = api.registry.findMetaError(event(sent.events, 'system.ExtrinsicFailed').data.dispatchError.asModule);
    assert.equal(`${failed.section}.${failed.name}`, 'contracts.ContractReverted');
    const poor = api.registry.createType('WeightV2', { refTime: 1_000_000n, proofSize: 0n });
    const starved = await finalize(token.tx.transfer({ gasLimit: poor }, bob.address, 1), alice);
    const error = api.registry.findMetaError(event(starved.events, 'system.ExtrinsicFailed').data.dispatchError.asModule);
    assert.equal(`${error.section}.${error.name}`, 'contracts.OutOfGas');
    const stranger = new ContractPromise(api, token.abi, bob.address);
    const none = await stranger.query.totalSupply(alice.address, { gasLimit });
    assert.equal(api.registry.findMetaError(none.result.asErr.asModule).name, 'ContractNotFound');
  });

  test('storage is read by the runtime API and through child state', async () => {
    const root = await api.call.contractsApi.getStorage(token.address, '0x00000000');
    const bytes = root.asOk.unwrap();
    assert.ok(bytes.length > 0, 'the root of the contract is there');
    const { trieId } = (await api.query.contracts.contractInfoOf(token.address)).unwrap();
    const child = u8aToHex(u8aConcat(stringToU8a(':child_storage:default:'), trieId.toU8a(true)));
    const keys = await api.rpc.childstate.getKeysPaged(child, '0x', 100);
    assert.ok(keys.length >= 4, `root, and three balances: ${keys}`);
    const key = u8aToHex(u8aConcat(blake2AsU8a(hexToU8a('0x00000000'), 128), hexToU8a('0x00000000')));
    assert.ok(keys.some((found) => found.toHex() === key), 'the root is stored under blake2b-128 and itself');
    const value = await api.rpc.childstate.getStorage(child, key);
    assert.equal(value.unwrap().toHex(), bytes.toHex());
    const missing = await api.call.contractsApi.getStorage(bob.address, '0x00000000');
    assert.equal(missing.asErr.type, 'DoesntExist');
  });

  test('code that is there already is instantiated by its hash, and removed when nobody uses it', async () => {
    const flipper = example('flipper');
    const abi = new Abi(flipper, api.registry.getChainProperties());
    const wasm = abi.info.source.wasm.toHex();
    const upload = await finalize(api.tx.contracts.uploadCode(wasm, null, 'Enforced'), bob);
    const { codeHash } = event(upload.events, 'contracts.CodeStored').data;
    const blueprint = new BlueprintPromise(api, flipper, codeHash);
    const made = await finalize(blueprint.tx.new({ gasLimit, salt: '0x01' }, true), bob);
    const contract = new ContractPromise(api, flipper, event(made.events, 'contracts.Instantiated').data.contract);
    assert.equal((await ask(contract, 'get', bob)).isTrue, true);
    const refused = await finalize(api.tx.contracts.removeCode(codeHash), bob);
    const inUse = api.registry.findMetaError(event(refused.events, 'system.ExtrinsicFailed').data.dispatchError.asModule);
    assert.equal(inUse.name, 'CodeInUse');
    const oracle = new Abi(example('oracle'), api.registry.getChainProperties()).info.source.wasm.toHex();
    const other = await finalize(api.tx.contracts.uploadCode(oracle, null, 'Enforced'), bob);
    const stored = event(other.events, 'contracts.CodeStored').data;
    const removed = await finalize(api.tx.contracts.removeCode(stored.codeHash), bob);
    const released = event(removed.events, 'contracts.CodeRemoved').data;
    assert.equal(released.depositReleased.toBigInt(), stored.depositHeld.toBigInt());
  });
});

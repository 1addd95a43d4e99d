//! A contract made by hand with a type of every kind: texts to bytes and back, and what is said about wrong ones.

use std::collections::BTreeMap;

use basalt_primitives::{AccountId, hashing::blake2_256, ss58};
use parity_scale_codec::{Compact, Encode};
use proptest::prelude::*;
use scale_info::{
    MetaType, PortableRegistry, Registry, Type, TypeInfo, TypeParameter, build::Fields as TypeFields,
    meta_type,
};
use serde_json::{Value as Json, json};

use crate::{
    ArgumentError, DecodeError, EventError, Metadata, Returned, Settings, Value, decode::decode_all,
    read::read, storage::Content,
};

#[derive(TypeInfo, Encode, Debug, Clone)]
enum Color {
    Red,
    Rgb(u8, u8, u8),
    Named { name: String, light: bool },
}

#[derive(TypeInfo, Encode, Debug, Clone)]
struct Point {
    x: i16,
    y: i16,
}

#[derive(TypeInfo, Encode, Debug, Clone)]
struct Pair(u8, bool);

#[derive(TypeInfo, Encode, Debug, Clone)]
struct Wrapped(u64);

#[derive(TypeInfo, Encode, Debug, Clone)]
struct Empty;

/// A type of itself: refers to itself through a list.
#[derive(TypeInfo, Encode, Debug, Clone)]
struct Tree(Vec<Tree>);

#[derive(TypeInfo, Encode, Debug, Clone)]
enum TokenError {
    Poor { have: u128 },
    Frozen,
}

/// As `ink_primitives::LangError`.
#[derive(TypeInfo, Encode, Debug, Clone)]
enum LangError {
    #[codec(index = 1)]
    CouldNotReadInput,
}

/// As `ink_storage::Mapping<AccountId, u128>`: known by its path, without bytes of its own.
struct Mapping;

impl TypeInfo for Mapping {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(scale_info::Path::new("Mapping", "ink_storage::lazy::mapping"))
            .type_params([
                TypeParameter::new("K", Some(meta_type::<AccountId>())),
                TypeParameter::new("V", Some(meta_type::<u128>())),
            ])
            .composite(TypeFields::unit())
    }
}

/// As `ink_storage::StorageVec<u8>`.
struct StorageVec;

impl TypeInfo for StorageVec {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(scale_info::Path::new("StorageVec", "ink_storage::lazy::vec"))
            .type_params([TypeParameter::new("V", Some(meta_type::<u8>()))])
            .composite(TypeFields::unit())
    }
}

#[derive(TypeInfo)]
#[expect(dead_code, reason = "only its type is used")]
struct Token {
    supply: u128,
    balances: Mapping,
    log: StorageVec,
    paused: bool,
}

/// Types get numbers as they are asked for.
struct Types(Registry);

impl Types {
    fn id<T: TypeInfo + 'static>(&mut self) -> u32 {
        self.0.register_type(&MetaType::new::<T>()).id
    }
}

fn one<T: TypeInfo + 'static>() -> (PortableRegistry, u32) {
    let mut types = Types(Registry::new());
    let id = types.id::<T>();
    (types.0.into(), id)
}

fn amount(text: &str) -> Result<u128, String> {
    let number = text.strip_suffix("UNIT").ok_or("the token of this chain is UNIT")?;
    let whole: u128 = number.trim_end_matches(".5").parse().map_err(|_| "no number".to_owned())?;
    Ok(whole * 1_000 + if number.ends_with(".5") { 500 } else { 0 })
}

const SETTINGS: Settings<'static> = Settings { prefix: Some(7), amount: Some(&amount) };

/// The bytes of a text.
fn bytes<T: TypeInfo + 'static>(text: &str) -> Vec<u8> {
    let (types, id) = one::<T>();
    read(&types, id, text, &SETTINGS).unwrap_or_else(|error| panic!("{text}:{error}"))
}

/// What is said about a text.
fn refusal<T: TypeInfo + 'static>(text: &str) -> String {
    let (types, id) = one::<T>();
    read(&types, id, text, &SETTINGS).map(const_hex::encode).expect_err(text).to_string()
}

fn alice() -> AccountId {
    "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".parse().unwrap()
}

// ---- Text to bytes -------------------------------------------------------------------------------------------------

#[test]
fn numbers_may_be_grouped_hex_or_amounts() {
    assert_eq!(bytes::<u8>("255"), [255]);
    assert_eq!(bytes::<u32>("1_000_000"), 1_000_000_u32.encode());
    assert_eq!(bytes::<u64>("0xff"), 255_u64.encode());
    assert_eq!(bytes::<i8>("-128"), (-128_i8).encode());
    assert_eq!(bytes::<i128>("-170141183460469231731687303715884105728"), i128::MIN.encode());
    assert_eq!(bytes::<u128>("340282366920938463463374607431768211455"), u128::MAX.encode());
    assert_eq!(bytes::<Compact<u32>>("1_000"), Compact(1_000_u32).encode());
    assert_eq!(bytes::<u128>("15"), 15_u128.encode());
    assert_eq!(bytes::<u128>("1.5UNIT"), 1_500_u128.encode());
    assert_eq!(bytes::<Option<u128>>("Some(1.5UNIT)"), Some(1_500_u128).encode());
    assert_eq!(bytes::<Wrapped>("7"), 7_u64.encode());
}

#[test]
fn accounts_are_addresses_hex_or_development_names() {
    for text in [
        "//Alice",
        &alice().to_string(),
        &format!("0x{}", const_hex::encode(alice())),
        &ss58::encode(7, alice().as_ref()),
    ] {
        assert_eq!(bytes::<AccountId>(text), alice().encode(), "{text}");
    }
}

#[test]
fn texts_need_quotes_only_inside_of_something() {
    assert_eq!(bytes::<String>("hello, world: (yes)"), "hello, world: (yes)".encode());
    assert_eq!(bytes::<String>(r#""a \"quoted\" \u{e9}\n""#), "a \"quoted\" é\n".encode());
    assert_eq!(bytes::<String>(""), "".encode());
    assert_eq!(bytes::<Vec<String>>(r#"[a, "b, c"]"#), vec!["a", "b, c"].encode());
    assert_eq!(bytes::<char>("é"), u32::from('é').encode());
    assert_eq!(bytes::<char>("'\\n'"), u32::from('\n').encode());
}

#[test]
fn bytes_are_hex_lists_or_texts() {
    assert_eq!(bytes::<Vec<u8>>("0x0102"), vec![1_u8, 2].encode());
    assert_eq!(bytes::<Vec<u8>>("[1, 0xff,]"), vec![1_u8, 255].encode());
    assert_eq!(bytes::<Vec<u8>>("\"hi\""), b"hi".to_vec().encode());
    assert_eq!(bytes::<[u8; 2]>("0x0102"), [1, 2]);
    assert_eq!(bytes::<Vec<u8>>("0x"), [0]);
}

#[test]
fn everything_else_is_written_as_in_rust() {
    assert_eq!(bytes::<()>("()"), [0_u8; 0]);
    assert_eq!(bytes::<(u8, bool)>("(1, true)"), [1, 1]);
    assert_eq!(bytes::<(u8,)>("(1,)"), [1]);
    assert_eq!(bytes::<Vec<u16>>("[]"), [0]);
    assert_eq!(bytes::<Vec<u16>>("[1, 2, ]"), vec![1_u16, 2].encode());
    assert_eq!(bytes::<[u16; 2]>("[1, 2]"), [1, 0, 2, 0]);
    assert_eq!(bytes::<Option<u8>>("None"), [0]);
    assert_eq!(bytes::<Option<Option<u8>>>("Some( Some(3) )"), [1, 1, 3]);
    assert_eq!(bytes::<Result<u8, String>>("Err(no)"), Err::<u8, _>("no").encode());
    assert_eq!(bytes::<Color>("Red"), Color::Red.encode());
    assert_eq!(bytes::<Color>("Color::Rgb(1, 2, 3)"), Color::Rgb(1, 2, 3).encode());
    let named = Color::Named { name: "a b".to_owned(), light: true };
    assert_eq!(bytes::<Color>("Named { light: true, name: a b }"), named.encode());
    assert_eq!(bytes::<Point>("{ y: -2, x: 1 }"), Point { x: 1, y: -2 }.encode());
    assert_eq!(bytes::<Point>("Point{x:1,y:-2}"), Point { x: 1, y: -2 }.encode());
    assert_eq!(bytes::<Pair>("(1, true)"), Pair(1, true).encode());
    assert_eq!(bytes::<Pair>("Pair(1, true)"), Pair(1, true).encode());
    assert_eq!(bytes::<Empty>("Empty"), [0_u8; 0]);
    let map = BTreeMap::from([(1_u8, "one".to_owned()), (2, "two".to_owned())]);
    assert_eq!(bytes::<BTreeMap<u8, String>>("{1: one, 2: \"two\"}"), map.encode());
    assert_eq!(bytes::<BTreeMap<u8, String>>("[(1, one), (2, two)]"), map.encode());
    assert_eq!(bytes::<BTreeMap<u8, String>>("{}"), [0]);
}

#[test]
fn a_wrong_text_is_refused_with_what_it_must_be_and_where() {
    let account = "must be an AccountId (an SS58 address, 0x and 64 hex digits, or a development name such as //Alice), got";
    for (text, end) in [
        ("", "got nothing"),
        (
            "Alice",
            "got `Alice`: the address has a character that base58 does not use; base58 leaves out 0, O, I and l",
        ),
        ("0x12", "got `0x12`: that is 1 bytes"),
        ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", "it was probably mistyped"),
    ] {
        let said = refusal::<AccountId>(text);
        assert!(said.contains(account) && said.contains(end), "{said}");
    }
    let polkadot = ss58::encode(0, alice().as_ref());
    assert!(
        refusal::<AccountId>(&polkadot)
            .contains("belongs to network 0, but this chain's addresses have prefix 7")
    );

    let said = [
        (refusal::<u8>("256"), " must be a u8 (a whole number from 0 to 255), got `256`: that is too much"),
        (refusal::<u8>("-1"), " must be a u8 (a whole number from 0 to 255), got `-1`"),
        (
            refusal::<i8>("-129"),
            " must be an i8 (a whole number from -128 to 127), got `-129`: that is too much",
        ),
        (refusal::<u32>("1.5UNIT"), " must be a u32 (a whole number from 0 to 4294967295), got `1.5UNIT`"),
        (
            refusal::<u128>("1.5"),
            " must be a u128 (a whole number, or an amount with the chain's token such as 1.5UNIT), got `1.5`",
        ),
        (
            refusal::<u128>("1DOT"),
            " must be a u128 (a whole number, or an amount with the chain's token such as 1.5UNIT), got `1DOT`: the token of this chain is UNIT",
        ),
        (refusal::<bool>("yes"), " must be true or false, got `yes`"),
        (refusal::<bool>("true false"), " must be true or false, got `true false`"),
        (
            refusal::<bool>("true, false"),
            " must be true or false, got `true, false`: `, false` is left over behind the value",
        ),
        (refusal::<char>("ab"), " must be one character, got `ab`"),
        (refusal::<String>("\"a"), " must be a String, got `\"a`: the closing quote is missing"),
        (
            refusal::<[u8; 2]>("0x010203"),
            " must be [u8; 2] (2 bytes: 0x and 4 hex digits), got `0x010203`: that is 3 bytes",
        ),
        (
            refusal::<Vec<u8>>("0x0"),
            " must be Vec<u8> (bytes: 0x and hex digits, or a text in double quotes), got `0x0`: odd number of digits",
        ),
        (
            refusal::<Vec<u8>>("[256]"),
            " must be Vec<u8> (bytes: 0x and hex digits, or a text in double quotes), got `256`: no byte from 0 to 255",
        ),
        (refusal::<Vec<u16>>("[1, x]"), ", value 2, must be a u16 (a whole number from 0 to 65535), got `x`"),
        (
            refusal::<Vec<u16>>("[1 2]"),
            ", value 1, must be a u16 (a whole number from 0 to 65535), got `1 2`",
        ),
        (
            refusal::<Vec<u16>>("[1, 2"),
            " must be Vec<u16> (a list such as [a, b]), got `[1, 2`: a comma or a closing bracket is missing at the end",
        ),
        (
            refusal::<[u16; 2]>("[1]"),
            " must be [u16; 2] (a list of 2 values such as [a, b]), got `[1]`: it has 1 values",
        ),
        (
            refusal::<(u8, bool)>("(1)"),
            " must be the tuple (u8, bool), got `(1)`: a comma or a closing bracket is missing before `)`",
        ),
        (
            refusal::<(u8, bool)>("(1, true, 2)"),
            " must be the tuple (u8, bool), got `(1, true, 2)`: `)` is missing before `2)`",
        ),
        (refusal::<Option<u8>>("3"), " must be Option<u8> (one of None, Some(u8)), got `3`"),
        (refusal::<Option<u8>>("Some(x)"), ", field 1, must be a u8 (a whole number from 0 to 255), got `x`"),
        (
            refusal::<Color>("Blue"),
            " must be Color (one of Red, Rgb(u8, u8, u8), Named { name: String, light: bool }), got `Blue`",
        ),
        (
            refusal::<Point>("{ x: 1 }"),
            " must be Point ({ x: i16, y: i16 }), got `{ x: 1 }`: the field `y` is missing",
        ),
        (
            refusal::<Point>("{ x: 1, z: 1 }"),
            " must be Point ({ x: i16, y: i16 }), got `{ x: 1, z: 1 }`: there is no field `z`",
        ),
        (
            refusal::<Point>("{ x: 1, x: 1 }"),
            " must be Point ({ x: i16, y: i16 }), got `{ x: 1, x: 1 }`: the field `x` is given twice",
        ),
        (
            refusal::<Point>("{ x: 1, y: a }"),
            ", field `y`, must be an i16 (a whole number from -32768 to 32767), got `a`",
        ),
        (
            refusal::<BTreeMap<u8, u8>>("{1}"),
            " must be BTreeMap<u8, u8> (a map such as {key: value}), got `{1}`: key 1 is not followed by `:`",
        ),
    ];
    for (said, expected) in said {
        assert_eq!(said, expected);
    }
}

#[test]
fn nesting_is_limited() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(bytes::<Tree>(&deep(3)), [4, 4, 0]);
    assert!(refusal::<Tree>(&deep(100_000)).contains("nested more than 48 deep"));
    let (types, id) = one::<Tree>();
    assert_eq!(decode_all(&types, id, &[4; 100_000]), Err(DecodeError::TooLarge));
}

// ---- Bytes to values -----------------------------------------------------------------------------------------------

#[test]
fn bytes_that_are_no_value_are_refused() {
    fn refused<T: TypeInfo + 'static>(bytes: &[u8]) -> DecodeError {
        let (types, id) = one::<T>();
        decode_all(&types, id, bytes).unwrap_err()
    }
    assert_eq!(refused::<bool>(&[2]), DecodeError::BadByte { byte: 2, what: "bool" });
    assert_eq!(refused::<Color>(&[9]), DecodeError::BadByte { byte: 9, what: "variant of the enum" });
    assert_eq!(refused::<u32>(&[1]), DecodeError::Truncated("an integer"));
    assert_eq!(refused::<u8>(&[1, 2]), DecodeError::TrailingBytes(1));
    assert_eq!(refused::<String>(&[4, 0xff]), DecodeError::NotUtf8);
    assert_eq!(refused::<char>(&0xd800_u32.encode()), DecodeError::NotUtf8);
    // A length that nothing follows, and a list of nothing that would never end.
    assert_eq!(refused::<Vec<u64>>(&Compact(u32::MAX).encode()), DecodeError::Truncated("an integer"));
    assert_eq!(refused::<Vec<()>>(&Compact(u32::MAX).encode()), DecodeError::TooLarge);
}

#[test]
fn a_registry_that_leads_nowhere_is_refused() {
    let file: PortableRegistry = serde_json::from_value(json!({"types": [
        {"id": 0, "type": {"def": {"composite": {"fields": [{"type": 0}]}}}},
        {"id": 1, "type": {"def": {"composite": {"fields": [{"type": 9}]}}}},
    ]}))
    .unwrap();
    for (id, missing) in [(0, 0), (1, 9), (2, 2)] {
        let error = decode_all(&file, id, &[0]).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the metadata does not say what type {missing} is; build the contract again")
        );
        assert!(read(&file, id, "1", &SETTINGS).is_err());
    }
}

#[test]
fn json_keeps_numbers_exact() {
    let shown = |value: Value| value.json(42);
    assert_eq!(shown(Value::Unsigned(7, 32)), json!(7));
    assert_eq!(shown(Value::Unsigned(7, 64)), json!("7"));
    assert_eq!(shown(Value::Signed(-7, 128)), json!("-7"));
    let (types, id) = one::<Color>();
    let color = |color: Color| decode_all(&types, id, &color.encode()).unwrap().json(42);
    assert_eq!(color(Color::Red), json!("Red"));
    assert_eq!(color(Color::Rgb(1, 2, 3)), json!({ "Rgb": [1, 2, 3] }));
    let named = Color::Named { name: "x".to_owned(), light: false };
    assert_eq!(color(named), json!({ "Named": { "name": "x", "light": false } }));
}

// ---- A whole contract ----------------------------------------------------------------------------------------------

fn token() -> Json {
    let mut types = Types(Registry::new());
    type Returns<T> = Result<T, LangError>;
    let account = types.id::<AccountId>();
    let balance = types.id::<u128>();
    let constructed = types.id::<Returns<()>>();
    let transferred = types.id::<Returns<Result<(), TokenError>>>();
    let optional = types.id::<Option<AccountId>>();
    let (root, mapping, list) = (types.id::<Token>(), types.id::<Mapping>(), types.id::<StorageVec>());
    let flag = types.id::<bool>();
    let returned = types.id::<Returns<u128>>();
    let registry: PortableRegistry = types.0.into();
    let ty = |id: u32, name: &str| json!({ "type": id, "displayName": [name] });
    let leaf = |key: &str, id: u32| json!({ "leaf": { "key": key, "ty": id } });
    json!({
        "source": { "hash": format!("{:#x}", basalt_primitives::H256([7; 32])), "language": "ink! 5.1.1", "compiler": "rustc", "wasm": "0x0061736d" },
        "contract": { "name": "token", "version": "0.1.0", "authors": [] },
        "version": 5,
        "types": registry.types,
        "spec": {
            "constructors": [
                { "label": "new", "selector": "0x9bae9d5e", "payable": false, "default": false, "docs": [],
                  "args": [{ "label": "supply", "type": ty(balance, "Balance") }], "returnType": ty(constructed, "ConstructorResult") },
                { "label": "empty", "selector": "0x00000001", "payable": false, "args": [], "returnType": ty(constructed, "ConstructorResult"), "docs": [] },
            ],
            "messages": [
                { "label": "transfer", "selector": "0x84a15da1", "mutates": true, "payable": false, "docs": ["Moves tokens."],
                  "args": [{ "label": "to", "type": ty(account, "AccountId") }, { "label": "value", "type": ty(balance, "Balance") }],
                  "returnType": ty(transferred, "MessageResult") },
                { "label": "Token::total_supply", "selector": "0x00000002", "mutates": false, "payable": false, "docs": [], "args": [],
                  "returnType": ty(returned, "MessageResult") },
            ],
            "events": [
                { "label": "Transfer", "module_path": "token::token", "docs": [],
                  "signature_topic": format!("0x{}", const_hex::encode(blake2_256(b"Transfer(Option<AccountId>,u128)"))),
                  "args": [
                    { "label": "from", "indexed": true, "docs": [], "type": ty(optional, "Option") },
                    { "label": "value", "indexed": false, "docs": [], "type": ty(balance, "Balance") } ] },
                { "label": "Paused", "module_path": "token::token", "signature_topic": null, "docs": [],
                  "args": [{ "label": "on", "indexed": true, "docs": [], "type": ty(flag, "bool") }] },
            ],
            "docs": [], "lang_error": ty(constructed, "LangError"),
            "environment": { "accountId": ty(account, "AccountId"), "maxEventTopics": 4 },
        },
        "storage": { "root": { "root_key": "0x00000000", "ty": root, "layout": { "struct": { "name": "Token", "fields": [
            { "name": "supply", "layout": leaf("0x00000000", balance) },
            { "name": "balances", "layout": { "root": { "root_key": "0x78563412", "ty": mapping, "layout": leaf("0x78563412", balance) } } },
            { "name": "log", "layout": { "root": { "root_key": "0x01020304", "ty": list, "layout": leaf("0x01020304", flag) } } },
            { "name": "paused", "layout": leaf("0x00000000", flag) },
        ] } } } },
    })
}

fn load(file: &Json) -> Metadata {
    Metadata::from_json(file.to_string().as_bytes()).unwrap()
}

#[test]
fn a_file_says_what_the_contract_has() {
    let metadata = load(&token());
    assert_eq!((metadata.name(), metadata.contract_version()), ("token", "0.1.0"));
    // Of the code that is in the file, whatever the file claims.
    assert_eq!(metadata.code_hash(), Some(blake2_256(b"\0asm")));
    assert_eq!(metadata.code(), Some(&b"\0asm"[..]));
    assert_eq!(metadata.default_constructor().unwrap().label, "new");
    assert_eq!(metadata.message("total_supply").unwrap().label, "Token::total_supply");
    let unknown = metadata.message("transfr").unwrap_err().to_string();
    assert_eq!(
        unknown,
        "the contract `token` has no message `transfr`; it has transfer(to: AccountId, value: Balance), \
         Token::total_supply()"
    );
}

#[test]
fn files_of_other_kinds_are_refused_with_what_to_give() {
    let refused = |bytes: &[u8]| Metadata::from_json(bytes).unwrap_err().to_string();
    assert!(
        refused(b"\0asm\x01\0\0\0").contains("give the .contract or .json file that was built beside it")
    );
    assert!(refused(b"hello").contains("not the metadata of an ink! contract"));
    assert!(refused(b"{}").contains("missing field"));
    assert!(refused(&vec![b' '; 9 * 1024 * 1024]).contains("at most 8388608"));
    let mut other = token();
    other["version"] = json!("4");
    assert_eq!(
        refused(other.to_string().as_bytes()),
        "the metadata has version 4, and this program reads version 5; build the contract with ink! 5"
    );
    let mut other = token();
    other["spec"]["messages"][0]["args"][0]["type"]["type"] = json!(999);
    assert!(refused(other.to_string().as_bytes()).contains("type 999"));
}

#[test]
fn a_call_is_encoded_and_read_back() {
    let metadata = load(&token());
    let transfer = metadata.message("transfer").unwrap();
    let data = metadata.encode(transfer, &["//Alice", "1_000"], &SETTINGS).unwrap();
    assert_eq!(data, [&[0x84, 0xa1, 0x5d, 0xa1][..], &(alice(), 1_000_u128).encode()].concat());
    let call = metadata.decode_call(&[&data[..], &[0]].concat()).unwrap().unwrap();
    assert_eq!((call.label.as_str(), call.is_constructor, call.ignored_bytes), ("transfer", false, 1));
    assert_eq!(call.args[0], ("to".to_owned(), Value::Account(alice().0)));
    assert_eq!(call.args[1], ("value".to_owned(), Value::Unsigned(1_000, 128)));
    assert_eq!(metadata.decode_call(&[1, 2, 3, 4]), Ok(None));
    assert_eq!(metadata.decode_call(&[1]), Ok(None));
    assert!(metadata.decode_call(&data[..20]).is_err());
}

#[test]
fn wrong_arguments_are_named() {
    let metadata = load(&token());
    let transfer = metadata.message("transfer").unwrap();
    let refused = |texts: &[&str]| metadata.encode(transfer, texts, &SETTINGS).unwrap_err().to_string();
    assert_eq!(refused(&["//Alice"]), "`transfer(to: AccountId, value: Balance)` takes 2 arguments, got 1");
    assert_eq!(
        refused(&["0x12", "5"]),
        "argument 1 `to` of `transfer` must be an AccountId (an SS58 address, 0x and 64 hex digits, or a development \
         name such as //Alice), got `0x12`: that is 1 bytes"
    );
    let error = metadata.encode(transfer, &["//Alice", "much"], &SETTINGS).unwrap_err();
    assert!(matches!(error, ArgumentError::Argument { position: 2, .. }), "{error}");
}

#[test]
fn values_errors_and_misunderstandings_are_told_apart() {
    let metadata = load(&token());
    let transfer = metadata.message("transfer").unwrap();
    let returned = |data: &[u8]| metadata.decode_return(transfer, data).unwrap();
    let refused = |error: TokenError| returned(&Ok::<_, LangError>(Err::<(), _>(error)).encode());
    let Returned::Value(value) = returned(&[0, 0]) else { panic!("a value") };
    assert_eq!(value.display(42).to_string(), "Ok(())");
    let Returned::Error(error) = refused(TokenError::Poor { have: 9 }) else { panic!("an error") };
    assert_eq!(error.display(42).to_string(), "Poor { have: 9 }");
    let Returned::Error(error) = refused(TokenError::Frozen) else { panic!("an error") };
    assert_eq!(error.display(42).to_string(), "Frozen");
    let unread = Err::<(), _>(LangError::CouldNotReadInput).encode();
    assert_eq!(unread, [1, 1]);
    let Returned::Language(error) = returned(&unread) else { panic!("a misunderstanding") };
    assert_eq!(error.display(42).to_string(), "CouldNotReadInput");
    assert_eq!(metadata.decode_return(transfer, &[0, 0, 7]), Err(DecodeError::TrailingBytes(1)));
    let supply = metadata.message("total_supply").unwrap();
    let supply = metadata.decode_return(supply, &[&[0][..], &5_u128.encode()].concat()).unwrap();
    assert_eq!(supply, Returned::Value(Value::Unsigned(5, 128)));
    // A constructor says once more that it did not fail.
    let new = metadata.constructor("new").unwrap();
    for data in [&[0][..], &[0, 0]] {
        assert_eq!(
            metadata.decode_constructor_return(new, data).unwrap(),
            Returned::Value(Value::Tuple(Vec::new()))
        );
    }
}

#[test]
fn events_are_known_by_signature_or_by_their_topics() {
    let metadata = load(&token());
    let signature = blake2_256(b"Transfer(Option<AccountId>,u128)");
    let event = metadata.decode_event(&[signature, [0; 32]], &(Some(alice()), 5_u128).encode()).unwrap();
    assert_eq!(event.label, "Transfer");
    let fields: Vec<String> =
        event.fields.iter().map(|(name, value)| format!("{name}: {}", value.display(42))).collect();
    assert_eq!(fields, [format!("from: Some({})", alice()), "value: 5".to_owned()]);
    let event = metadata.decode_event(&[[1; 32]], &[1]).unwrap();
    assert_eq!((event.label.as_str(), &event.fields[0].1), ("Paused", &Value::Bool(true)));
    assert_eq!(metadata.decode_event(&[[1; 32], [2; 32]], &[1]), Err(EventError::Unknown(2)));
    let error = metadata.decode_event(&[[1; 32]], &[1, 2]).unwrap_err().to_string();
    assert_eq!(error, "the data does not fit the event Paused: 1 bytes are left over behind the value");
}

#[test]
fn storage_is_split_into_its_cells() {
    let metadata = load(&token());
    let key = |root: [u8; 4], more: &[u8]| [&root[..], more].concat();
    let mapping = [0x78, 0x56, 0x34, 0x12];
    let list = [1, 2, 3, 4];
    let pairs = BTreeMap::from([
        (key([0; 4], &[]), (21_000_000_u128, true).encode()),
        (key(mapping, alice().as_ref()), 5_u128.encode()),
        (key(list, &[]), 2_u32.encode()),
        (key(list, &0_u32.to_le_bytes()), vec![7]),
        (key(list, &256_u32.to_le_bytes()), vec![9]),
        (b"odd".to_vec(), vec![1]),
    ]);
    let view = metadata.view_storage(&pairs);
    let contents: Vec<&Content> = view.cells.iter().map(|cell| &cell.content).collect();
    let [Content::Value(root), Content::Entries(entries), Content::List(values)] = contents[..] else {
        panic!("{view:?}");
    };
    // What lies elsewhere is left out.
    assert_eq!(root.display(42).to_string(), "Token { supply: 21000000, paused: true }");
    assert_eq!(entries[..], [(Value::Account(alice().0), Value::Unsigned(5, 128))]);
    assert_eq!(values[..], [Value::Unsigned(7, 8), Value::Unsigned(9, 8)]);
    let names: Vec<&str> = view.cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["", "balances", "log"]);
    assert_eq!(view.unknown, [(b"odd".to_vec(), vec![1])]);
    // A cell that does not fit does not hide the others.
    let view = metadata.view_storage(&BTreeMap::from([(key([0; 4], &[]), vec![1])]));
    assert!(matches!(view.cells[0].content, Content::Unreadable(DecodeError::Truncated(_))));
    assert_eq!(view.cells[1].content, Content::Entries(Vec::new()));
}

// ---- Any value -----------------------------------------------------------------------------------------------------

/// All kinds of types at once.
#[derive(TypeInfo, Encode, Debug, Clone)]
struct Everything {
    numbers: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    flag: bool,
    letter: Letter,
    text: String,
    account: [u8; 32],
    owner: Option<AccountId>,
    bytes: Vec<u8>,
    colors: Vec<Color>,
    map: BTreeMap<String, Vec<Point>>,
    wrapped: Result<Wrapped, (u8,)>,
    compact: Compact<u128>,
    pair: Pair,
    nothing: Empty,
}

/// A character as Rust encodes it.
#[derive(Debug, Clone)]
struct Letter(char);

impl Encode for Letter {
    fn encode(&self) -> Vec<u8> {
        u32::from(self.0).encode()
    }
}

impl TypeInfo for Letter {
    type Identity = char;

    fn type_info() -> Type {
        char::type_info()
    }
}

fn color() -> impl Strategy<Value = Color> {
    prop_oneof![
        Just(Color::Red),
        any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        any::<(String, bool)>().prop_map(|(name, light)| Color::Named { name, light }),
    ]
}

fn everything() -> impl Strategy<Value = Everything> {
    let point = any::<(i16, i16)>().prop_map(|(x, y)| Point { x, y });
    let map = prop::collection::btree_map(any::<String>(), prop::collection::vec(point, 0..3), 0..4);
    let scalars = (
        any::<(u8, u16, u32, u64, u128)>(),
        any::<(i8, i16, i32, i64, i128)>(),
        any::<bool>(),
        any::<char>(),
    );
    let texts = (any::<String>(), any::<[u8; 32]>(), any::<Option<[u8; 32]>>(), any::<Vec<u8>>());
    let nested = (
        prop::collection::vec(color(), 0..4),
        map,
        any::<Result<u64, u8>>(),
        any::<u128>(),
        any::<(u8, bool)>(),
    );
    (scalars, texts, nested).prop_map(
        |((numbers, signed, flag, letter), (text, account, owner, bytes), nested)| {
            let (colors, map, wrapped, compact, (first, second)) = nested;
            Everything {
                numbers,
                signed,
                flag,
                letter: Letter(letter),
                text,
                account,
                owner: owner.map(AccountId::from),
                bytes,
                colors,
                map,
                wrapped: wrapped.map(Wrapped).map_err(|error| (error,)),
                compact: Compact(compact),
                pair: Pair(first, second),
                nothing: Empty,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_to_the_same_bytes(value in everything()) {
        let (types, id) = one::<Everything>();
        let encoded = value.encode();
        let shown = decode_all(&types, id, &encoded).unwrap().display(7).to_string();
        let again = read(&types, id, &shown, &SETTINGS);
        prop_assert_eq!(again.as_deref(), Ok(&encoded[..]), "{}", shown);
    }

    #[test]
    fn no_bytes_and_no_text_bring_it_down(bytes: Vec<u8>, text: String, brackets in "[\\[\\](){}:,'\"a-c0-9x]{0,40}") {
        let (types, id) = one::<Everything>();
        let _ = decode_all(&types, id, &bytes);
        let metadata = load(&token());
        let _ = metadata.decode_call(&bytes);
        let _ = metadata.decode_event(&[], &bytes);
        for text in [text, brackets] {
            let _ = read(&types, id, &text, &SETTINGS);
            let (types, id) = one::<BTreeMap<String, Vec<Color>>>();
            let _ = read(&types, id, &text, &SETTINGS);
            let _ = Metadata::from_json(text.as_bytes());
        }
    }
}

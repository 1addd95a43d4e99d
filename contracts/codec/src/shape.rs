//! What a type looks like to a person: newtypes seen through, accounts, bytes and maps recognised.

use scale_info::{Field, Path, PortableRegistry, Type, TypeDef, TypeDefPrimitive, form::PortableForm};

/// The deepest nesting of types and values. What people write by hand stays far below.
pub(crate) const DEPTH_MAX: usize = 48;
/// How deep the arguments of a type are named.
const NAME_DEPTH_MAX: usize = 4;
/// Bytes of an account.
const ACCOUNT_BYTES: u32 = 32;

/// What a type looks like to a person.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape<'a> {
    Bool,
    Char,
    Text,
    /// Without sign, of so many bits.
    Unsigned(u16),
    /// With sign, of so many bits.
    Signed(u16),
    Account,
    /// Of fixed length.
    BytesOf(u32),
    /// Of any length.
    Bytes,
    Array(u32, u32),
    List(u32),
    Map(u32, u32),
    Tuple(&'a [scale_info::interner::UntrackedSymbol<std::any::TypeId>]),
    /// With name.
    Struct(&'a str, &'a [Field<PortableForm>]),
    Enum(&'a [scale_info::Variant<PortableForm>]),
    /// Integers in fewer bytes.
    Compact(u32),
    /// Encodes to nothing: it lies in cells of its own.
    Elsewhere,
    /// Nothing that ink! has.
    Unsupported(&'static str),
}

/// A type is not in the registry, or leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metadata does not say what type {0} is; build the contract again")]
pub struct NoType(pub u32);

/// What the type with this number looks like.
pub(crate) fn shape(types: &PortableRegistry, id: u32) -> Result<Shape<'_>, NoType> {
    // A newtype of itself would otherwise never end.
    let mut at = id;
    for _ in 0..DEPTH_MAX {
        let ty = types.resolve(at).ok_or(NoType(at))?;
        match seen(types, ty)? {
            Seen::Shape(shape) => return Ok(shape),
            Seen::Newtype(inner) => at = inner,
        }
    }
    Err(NoType(id))
}

enum Seen<'a> {
    Shape(Shape<'a>),
    Newtype(u32),
}

fn seen<'a>(types: &'a PortableRegistry, ty: &'a Type<PortableForm>) -> Result<Seen<'a>, NoType> {
    let shape = match &ty.type_def {
        TypeDef::Primitive(primitive) => of_primitive(primitive),
        _ if is_elsewhere(&ty.path) => Shape::Elsewhere,
        TypeDef::Composite(composite) => match composite.fields.as_slice() {
            [field] if field.name.is_none() => {
                let inner = field.ty.id;
                let last = ty.path.segments.last().map_or("", |name| name.as_str());
                match last {
                    "AccountId" | "AccountId32" if is_account(types, inner) => Shape::Account,
                    "BTreeMap" => match entry_of(types, inner) {
                        Some((key, value)) => Shape::Map(key, value),
                        None => return Ok(Seen::Newtype(inner)),
                    },
                    _ => return Ok(Seen::Newtype(inner)),
                }
            }
            fields => Shape::Struct(ty.path.segments.last().map_or("", |name| name.as_str()), fields),
        },
        TypeDef::Variant(variants) => Shape::Enum(&variants.variants),
        TypeDef::Sequence(list) if is_byte(types, list.type_param.id) => Shape::Bytes,
        TypeDef::Sequence(list) => Shape::List(list.type_param.id),
        TypeDef::Array(array) if is_byte(types, array.type_param.id) => Shape::BytesOf(array.len),
        TypeDef::Array(array) => Shape::Array(array.type_param.id, array.len),
        TypeDef::Tuple(tuple) => Shape::Tuple(&tuple.fields),
        TypeDef::Compact(compact) => Shape::Compact(compact.type_param.id),
        TypeDef::BitSequence(_) => Shape::Unsupported("a sequence of bits"),
    };
    Ok(Seen::Shape(shape))
}

fn of_primitive(primitive: &TypeDefPrimitive) -> Shape<'static> {
    match primitive {
        TypeDefPrimitive::Bool => Shape::Bool,
        TypeDefPrimitive::Char => Shape::Char,
        TypeDefPrimitive::Str => Shape::Text,
        TypeDefPrimitive::U8 => Shape::Unsigned(8),
        TypeDefPrimitive::U16 => Shape::Unsigned(16),
        TypeDefPrimitive::U32 => Shape::Unsigned(32),
        TypeDefPrimitive::U64 => Shape::Unsigned(64),
        TypeDefPrimitive::U128 => Shape::Unsigned(128),
        TypeDefPrimitive::I8 => Shape::Signed(8),
        TypeDefPrimitive::I16 => Shape::Signed(16),
        TypeDefPrimitive::I32 => Shape::Signed(32),
        TypeDefPrimitive::I64 => Shape::Signed(64),
        TypeDefPrimitive::I128 => Shape::Signed(128),
        TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => Shape::Unsupported("an integer of 256 bits"),
    }
}

/// Types of `ink_storage` that keep what they hold in cells of their own.
fn is_elsewhere(path: &Path<PortableForm>) -> bool {
    matches!(path.segments.as_slice(), [root, module, .., _] if root == "ink_storage" && module == "lazy")
}

fn is_account(types: &PortableRegistry, id: u32) -> bool {
    let array = types.resolve(id).map(|ty| &ty.type_def);
    matches!(array, Some(TypeDef::Array(array)) if array.len == ACCOUNT_BYTES && is_byte(types, array.type_param.id))
}

fn is_byte(types: &PortableRegistry, id: u32) -> bool {
    matches!(types.resolve(id).map(|ty| &ty.type_def), Some(TypeDef::Primitive(TypeDefPrimitive::U8)))
}

/// Key and value of a list of pairs.
fn entry_of(types: &PortableRegistry, id: u32) -> Option<(u32, u32)> {
    let TypeDef::Sequence(list) = &types.resolve(id)?.type_def else { return None };
    match &types.resolve(list.type_param.id)?.type_def {
        TypeDef::Tuple(tuple) => match tuple.fields.as_slice() {
            [key, value] => Some((key.id, value.id)),
            _ => None,
        },
        _ => None,
    }
}

/// How Rust would write the type.
pub(crate) fn name(types: &PortableRegistry, id: u32) -> String {
    name_at(types, id, 0)
}

fn name_at(types: &PortableRegistry, id: u32, depth: usize) -> String {
    let (Some(ty), true) = (types.resolve(id), depth < NAME_DEPTH_MAX) else { return "…".to_owned() };
    let inner = |id: u32| name_at(types, id, depth + 1);
    if let Some(last) = ty.path.segments.last() {
        let params: Vec<String> =
            ty.type_params.iter().filter_map(|param| param.ty.map(|ty| inner(ty.id))).collect();
        return if params.is_empty() { last.clone() } else { format!("{last}<{}>", params.join(", ")) };
    }
    match &ty.type_def {
        TypeDef::Primitive(TypeDefPrimitive::Str) => "String".to_owned(),
        TypeDef::Primitive(primitive) => format!("{primitive:?}").to_lowercase(),
        TypeDef::Sequence(list) => format!("Vec<{}>", inner(list.type_param.id)),
        TypeDef::Array(array) => format!("[{}; {}]", inner(array.type_param.id), array.len),
        TypeDef::Tuple(tuple) => {
            let fields: Vec<String> = tuple.fields.iter().map(|field| inner(field.id)).collect();
            format!("({})", fields.join(", "))
        }
        TypeDef::Compact(compact) => format!("Compact<{}>", inner(compact.type_param.id)),
        TypeDef::BitSequence(_) => "BitVec".to_owned(),
        TypeDef::Composite(_) | TypeDef::Variant(_) => "…".to_owned(),
    }
}

/// What to write for the type: reads on after "must be".
pub(crate) fn expected(types: &PortableRegistry, id: u32) -> String {
    let name = name(types, id);
    match shape(types, id) {
        Err(error) => format!("of a known type, but {error}"),
        Ok(Shape::Bool) => "true or false".to_owned(),
        Ok(Shape::Char) => "one character".to_owned(),
        Ok(Shape::Text) => "a String".to_owned(),
        Ok(Shape::Unsigned(128)) => {
            "a u128 (a whole number, or an amount with the chain's token such as 1.5UNIT)".to_owned()
        }
        Ok(Shape::Unsigned(bits)) => {
            format!("a u{bits} (a whole number from 0 to {})", u128::MAX >> (128 - u32::from(bits)))
        }
        Ok(Shape::Signed(bits)) => {
            let max = i128::MAX >> (128 - u32::from(bits));
            format!("an i{bits} (a whole number from {} to {max})", -max - 1)
        }
        Ok(Shape::Account) => {
            "an AccountId (an SS58 address, 0x and 64 hex digits, or a development name such as //Alice)"
                .to_owned()
        }
        Ok(Shape::BytesOf(len)) => format!("{name} ({len} bytes: 0x and {} hex digits)", u64::from(len) * 2),
        Ok(Shape::Bytes) => format!("{name} (bytes: 0x and hex digits, or a text in double quotes)"),
        Ok(Shape::Array(_, len)) => format!("{name} (a list of {len} values such as [a, b])"),
        Ok(Shape::List(_)) => format!("{name} (a list such as [a, b])"),
        Ok(Shape::Map(..)) => format!("{name} (a map such as {{key: value}})"),
        Ok(Shape::Tuple([])) => "()".to_owned(),
        Ok(Shape::Tuple(_)) => format!("the tuple {name}"),
        Ok(Shape::Struct(_, fields)) => format!("{name} ({})", fields_text(types, fields)),
        Ok(Shape::Enum(variants)) => {
            let variants: Vec<String> = variants
                .iter()
                .map(|variant| match variant.fields.as_slice() {
                    [] => variant.name.clone(),
                    fields if fields[0].name.is_some() => {
                        format!("{} {}", variant.name, fields_text(types, fields))
                    }
                    fields => format!("{}{}", variant.name, fields_text(types, fields)),
                })
                .collect();
            format!("{name} (one of {})", variants.join(", "))
        }
        Ok(Shape::Compact(inner)) => expected(types, inner),
        Ok(Shape::Elsewhere) => format!("something else than {name}, which is for storage only"),
        Ok(Shape::Unsupported(what)) => {
            format!("something else than {what}, which this program cannot write")
        }
    }
}

/// Such as `{ a: u8, b: bool }` or `(u8, bool)`.
fn fields_text(types: &PortableRegistry, fields: &[Field<PortableForm>]) -> String {
    let text = |field: &Field<PortableForm>| match &field.name {
        Some(field_name) => format!("{field_name}: {}", name(types, field.ty.id)),
        None => name(types, field.ty.id),
    };
    let texts: Vec<String> = fields.iter().map(text).collect();
    match fields.first() {
        None => "no fields".to_owned(),
        Some(field) if field.name.is_some() => format!("{{ {} }}", texts.join(", ")),
        Some(_) => format!("({})", texts.join(", ")),
    }
}

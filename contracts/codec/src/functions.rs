//! Constructors and messages: call data from texts and back, and what came of a call.

use scale_info::{PortableRegistry, TypeDef};

use crate::{
    decode::{DecodeError, Decoder, decode_all},
    error::ArgumentError,
    metadata::{Argument, Function, Metadata},
    read::{Settings, read},
    value::{Fields, Value},
};

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// What the message gave back.
    Value(Value),
    /// The message gave back this error, and all it did is undone.
    Error(Value),
    /// The contract did not understand the call: another version of it, most likely.
    Language(Value),
}

/// Call data, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedCall {
    /// Whether it is for a constructor.
    pub is_constructor: bool,
    /// The constructor or message.
    pub label: String,
    /// Names and values of the arguments.
    pub args: Vec<(String, Value)>,
    /// How many bytes follow, which contracts ignore.
    pub ignored_bytes: usize,
}

impl Metadata {
    /// Selector and arguments: what a contract is called with.
    ///
    /// # Errors
    ///
    /// See [`ArgumentError`].
    pub fn encode<T: AsRef<str>>(
        &self,
        function: &Function,
        texts: &[T],
        settings: &Settings<'_>,
    ) -> Result<Vec<u8>, ArgumentError> {
        if texts.len() != function.args.len() {
            return Err(ArgumentError::Count {
                signature: self.signature(function),
                expected: function.args.len(),
                given: texts.len(),
            });
        }
        let mut data = function.selector.to_vec();
        for ((argument, text), position) in function.args.iter().zip(texts).zip(1..) {
            let bytes = read(&self.types, argument.ty.id, text.as_ref(), settings).map_err(|error| {
                ArgumentError::Argument {
                    position,
                    argument: argument.label.clone(),
                    function: function.label.clone(),
                    error: Box::new(error),
                }
            })?;
            data.extend_from_slice(&bytes);
        }
        Ok(data)
    }

    /// What call data asks for. Some constructor and some message may share a selector: the message wins.
    ///
    /// # Errors
    ///
    /// The data does not fit; `None` if it is for nothing that the metadata knows.
    pub fn decode_call(&self, data: &[u8]) -> Result<Option<DecodedCall>, DecodeError> {
        let Some((selector, rest)) = data.split_first_chunk::<4>() else { return Ok(None) };
        let has = |function: &&Function| function.selector == *selector;
        let message = self.messages().iter().find(has);
        let Some(function) = message.or_else(|| self.constructors().iter().find(has)) else {
            return Ok(None);
        };
        let mut decoder = Decoder::new(&self.types, rest);
        let args = self.fields(&mut decoder, &function.args)?;
        Ok(Some(DecodedCall {
            is_constructor: message.is_none(),
            label: function.label.clone(),
            args,
            ignored_bytes: decoder.rest().len(),
        }))
    }

    /// What a message gave back.
    ///
    /// # Errors
    ///
    /// The data does not fit its type.
    pub fn decode_return(&self, message: &Function, data: &[u8]) -> Result<Returned, DecodeError> {
        let Some(ty) = &message.return_type else { return Ok(Returned::Value(Value::Tuple(Vec::new()))) };
        Ok(unwrap(&self.types, ty.id, decode_all(&self.types, ty.id, data)?))
    }

    /// What a constructor gave back.
    ///
    /// # Errors
    ///
    /// The data does not fit its type.
    pub fn decode_constructor_return(
        &self,
        constructor: &Function,
        data: &[u8],
    ) -> Result<Returned, DecodeError> {
        let Some(ty) = &constructor.return_type else { return Ok(Returned::Value(Value::Tuple(Vec::new()))) };
        let mut decoder = Decoder::new(&self.types, data);
        let value = decoder.value(ty.id)?;
        // A constructor that cannot fail returns one byte more than its type says: 0 for "did not fail".
        match decoder.rest() {
            [] | [0] => Ok(unwrap(&self.types, ty.id, value)),
            rest => Err(DecodeError::TrailingBytes(rest.len())),
        }
    }

    /// Names and values of arguments or fields that follow each other.
    pub(crate) fn fields(
        &self,
        decoder: &mut Decoder<'_>,
        fields: &[Argument],
    ) -> Result<Vec<(String, Value)>, DecodeError> {
        fields.iter().map(|field| Ok((field.label.clone(), decoder.value(field.ty.id)?))).collect()
    }
}

/// Takes off the `Result` of the language, and tells errors of the message from values. Types decide what a `Result` is:
/// a contract may have its own enum with a variant `Err`.
fn unwrap(types: &PortableRegistry, id: u32, value: Value) -> Returned {
    let Some(ok) = ok_of_result(types, id) else { return Returned::Value(value) };
    match value {
        Value::Variant(name, Fields::Unnamed(mut fields)) if name == "Err" && fields.len() == 1 => {
            Returned::Language(fields.remove(0))
        }
        Value::Variant(_, Fields::Unnamed(mut fields)) if fields.len() == 1 => {
            let value = fields.remove(0);
            match value {
                Value::Variant(name, Fields::Unnamed(mut fields))
                    if name == "Err" && fields.len() == 1 && ok_of_result(types, ok).is_some() =>
                {
                    Returned::Error(fields.remove(0))
                }
                value => Returned::Value(value),
            }
        }
        value => Returned::Value(value),
    }
}

/// The type of `Ok`, if this is a `Result`.
fn ok_of_result(types: &PortableRegistry, id: u32) -> Option<u32> {
    let ty = types.resolve(id)?;
    let TypeDef::Variant(variants) = &ty.type_def else { return None };
    let ok = variants.variants.iter().find(|variant| variant.name == "Ok")?;
    (ty.path.segments == ["Result"]).then(|| ok.fields.first().map(|field| field.ty.id))?
}

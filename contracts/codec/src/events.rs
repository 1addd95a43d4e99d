//! Events: which one, by its first topic, and its fields.

use std::fmt;

use serde_json::{Map, Value as Json};

use crate::{
    decode::{DecodeError, Decoder},
    metadata::{EventSpec, Metadata},
    value::Value,
};

/// An event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedEvent {
    /// Its name.
    pub label: String,
    /// Names and values of its fields.
    pub fields: Vec<(String, Value)>,
}

impl DecodedEvent {
    /// As Rust would write it, with addresses of the network with this prefix.
    pub fn display(&self, prefix: u16) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| {
            f.write_str(&self.label)?;
            for (place, (name, value)) in self.fields.iter().enumerate() {
                let before = if place == 0 { " { " } else { ", " };
                write!(f, "{before}{name}: {}", value.display(prefix))?;
            }
            if self.fields.is_empty() { Ok(()) } else { f.write_str(" }") }
        })
    }

    /// Its fields as an object.
    pub fn json(&self, prefix: u16) -> Json {
        self.fields
            .iter()
            .map(|(name, value)| (name.clone(), value.json(prefix)))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// Why an event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Something that another contract, or library, defines.
    #[error(
        "no event of the contract has these {0} topics; it may come from a library, or from another version"
    )]
    Unknown(usize),
    /// Several without name fit.
    #[error("several anonymous events of the contract have {0} topics, so the data could be any of them")]
    Ambiguous(usize),
    /// The data does not fit.
    #[error("the data does not fit the event {label}: {error}")]
    Data {
        /// Which event.
        label: String,
        /// Why not.
        error: DecodeError,
    },
}

impl Metadata {
    /// Reads an event. Those with a signature are known by it, anonymous ones by how many topics they have.
    ///
    /// # Errors
    ///
    /// See [`EventError`].
    pub fn decode_event(&self, topics: &[[u8; 32]], data: &[u8]) -> Result<DecodedEvent, EventError> {
        let signed = topics.first().and_then(|first| {
            self.events().iter().find(|event| event.signature_topic.as_deref() == Some(&first[..]))
        });
        let event = match signed {
            Some(event) => event,
            None => self.anonymous_event(topics.len())?,
        };
        let wrong = |error| EventError::Data { label: event.label.clone(), error };
        let mut decoder = Decoder::new(&self.types, data);
        let fields = self.fields(&mut decoder, &event.args).map_err(wrong)?;
        decoder.end().map_err(wrong)?;
        Ok(DecodedEvent { label: event.label.clone(), fields })
    }

    fn anonymous_event(&self, topics: usize) -> Result<&EventSpec, EventError> {
        let fits = |event: &&EventSpec| {
            let indexed = event.args.iter().filter(|arg| arg.indexed).count();
            event.signature_topic.is_none() && indexed == topics
        };
        let mut fitting = self.events().iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(EventError::Unknown(topics)),
            (Some(_), Some(_)) => Err(EventError::Ambiguous(topics)),
        }
    }
}

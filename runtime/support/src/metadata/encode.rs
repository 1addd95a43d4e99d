//! The three metadata formats, from one description of the runtime.

use alloc::{collections::BTreeMap, vec::Vec};

use basalt_primitives::BlakeTwo256;
use frame_metadata::{
    RuntimeMetadataPrefixed,
    v14::{self, StorageEntryMetadata},
    v15, v16,
};
use parity_scale_codec::{Compact, Encode};
use scale_info::{MetaType, meta_type};

use super::{Constant, PalletMetadata};

/// What clients are told of a whole runtime.
#[derive(Debug, Clone)]
pub struct RuntimeMetadata {
    /// Its pallets, in order of their indices.
    pub pallets: Vec<PalletMetadata>,
    /// How transactions are made.
    pub extrinsic: Extrinsic,
    /// The runtime APIs behind `state_call`.
    pub apis: Vec<Api>,
    /// The runtime type itself.
    pub runtime: MetaType,
    /// The enum of all pallets' calls.
    pub call: MetaType,
    /// The enum of all pallets' events.
    pub event: MetaType,
    /// The enum of all pallets' errors.
    pub error: MetaType,
}

/// How transactions are made.
#[derive(Debug, Clone)]
pub struct Extrinsic {
    /// The whole, opaque to decoders but for its type parameters.
    pub ty: MetaType,
    /// Version byte of the format.
    pub version: u8,
    /// Who sends.
    pub address: MetaType,
    /// What proves it.
    pub signature: MetaType,
    /// All extensions' parts in the extrinsic, as one tuple.
    pub extra: MetaType,
    /// The extensions, in the order of their bytes.
    pub extensions: Vec<Extension>,
}

/// One transaction extension.
#[derive(Debug, Clone)]
pub struct Extension {
    /// The name by which clients know what to put in.
    pub identifier: &'static str,
    /// What goes into the extrinsic.
    pub ty: MetaType,
    /// What is only signed.
    pub implicit: MetaType,
}

/// One runtime API.
#[derive(Debug, Clone)]
pub struct Api {
    /// Trait name; `state_call` names are `{name}_{method}`.
    pub name: &'static str,
    /// Its version, as in the runtime version's list.
    pub version: u32,
    /// Its methods.
    pub methods: Vec<Method>,
    /// What it is for.
    pub docs: Vec<&'static str>,
}

/// One method of a runtime API.
#[derive(Debug, Clone)]
pub struct Method {
    /// Name in snake case.
    pub name: &'static str,
    /// Parameters.
    pub inputs: Vec<(&'static str, MetaType)>,
    /// Result.
    pub output: MetaType,
    /// What it does.
    pub docs: Vec<&'static str>,
}

impl RuntimeMetadata {
    /// The versions that [`encode`](Self::encode) can produce.
    pub const VERSIONS: [u32; 3] = [14, 15, 16];

    /// The metadata in this version, with magic and version byte; `None` for versions not listed.
    pub fn encode(&self, version: u32) -> Option<Vec<u8>> {
        let prefixed: RuntimeMetadataPrefixed = match version {
            14 => self.v14().into(),
            15 => self.v15().into(),
            16 => self.v16().into(),
            _ => return None,
        };
        Some(prefixed.encode())
    }

    fn v14(&self) -> v14::RuntimeMetadataV14 {
        let pallets = self
            .pallets
            .iter()
            .map(|pallet| v14::PalletMetadata {
                name: pallet.name,
                storage: storage(pallet),
                calls: pallet.calls.map(|ty| v14::PalletCallMetadata { ty }),
                event: pallet.event.map(|ty| v14::PalletEventMetadata { ty }),
                constants: pallet.constants.iter().map(constant).collect(),
                error: pallet.error.map(|ty| v14::PalletErrorMetadata { ty }),
                index: pallet.index,
            })
            .collect();
        let extrinsic = v14::ExtrinsicMetadata {
            ty: self.extrinsic.ty,
            version: self.extrinsic.version,
            signed_extensions: self
                .extrinsic
                .extensions
                .iter()
                .map(|extension| v14::SignedExtensionMetadata {
                    identifier: extension.identifier,
                    ty: extension.ty,
                    additional_signed: extension.implicit,
                })
                .collect(),
        };
        v14::RuntimeMetadataV14::new(pallets, extrinsic, self.runtime)
    }

    fn v15(&self) -> v15::RuntimeMetadataV15 {
        let pallets = self
            .pallets
            .iter()
            .map(|pallet| v15::PalletMetadata {
                name: pallet.name,
                storage: storage(pallet),
                calls: pallet.calls.map(|ty| v14::PalletCallMetadata { ty }),
                event: pallet.event.map(|ty| v14::PalletEventMetadata { ty }),
                constants: pallet.constants.iter().map(constant).collect(),
                error: pallet.error.map(|ty| v14::PalletErrorMetadata { ty }),
                index: pallet.index,
                docs: pallet.docs.clone(),
            })
            .collect();
        let extrinsic = v15::ExtrinsicMetadata {
            version: self.extrinsic.version,
            address_ty: self.extrinsic.address,
            call_ty: self.call,
            signature_ty: self.extrinsic.signature,
            extra_ty: self.extrinsic.extra,
            signed_extensions: self
                .extrinsic
                .extensions
                .iter()
                .map(|extension| v15::SignedExtensionMetadata {
                    identifier: extension.identifier,
                    ty: extension.ty,
                    additional_signed: extension.implicit,
                })
                .collect(),
        };
        let apis = self
            .apis
            .iter()
            .map(|api| v15::RuntimeApiMetadata {
                name: api.name,
                methods: api
                    .methods
                    .iter()
                    .map(|method| v15::RuntimeApiMethodMetadata {
                        name: method.name,
                        inputs: inputs(method),
                        output: method.output,
                        docs: method.docs.clone(),
                    })
                    .collect(),
                docs: api.docs.clone(),
            })
            .collect();
        v15::RuntimeMetadataV15::new(pallets, extrinsic, self.runtime, apis, self.outer_enums(), custom())
    }

    fn v16(&self) -> v16::RuntimeMetadataV16 {
        let pallets = self.pallets.iter().map(pallet_v16).collect();
        let extensions = &self.extrinsic.extensions;
        let extrinsic = v16::ExtrinsicMetadata {
            versions: [self.extrinsic.version].into(),
            address_ty: self.extrinsic.address,
            call_ty: self.call,
            signature_ty: self.extrinsic.signature,
            transaction_extensions_by_version: [(0, (0..).map(Compact).take(extensions.len()).collect())]
                .into(),
            transaction_extensions: extensions
                .iter()
                .map(|extension| v16::TransactionExtensionMetadata {
                    identifier: extension.identifier,
                    ty: extension.ty,
                    implicit: extension.implicit,
                })
                .collect(),
        };
        let apis = self
            .apis
            .iter()
            .map(|api| v16::RuntimeApiMetadata {
                name: api.name,
                methods: api
                    .methods
                    .iter()
                    .map(|method| v16::RuntimeApiMethodMetadata {
                        name: method.name,
                        inputs: inputs(method),
                        output: method.output,
                        docs: method.docs.clone(),
                        deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
                    })
                    .collect(),
                docs: api.docs.clone(),
                version: Compact(api.version),
                deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
            })
            .collect();
        v16::RuntimeMetadataV16::new(pallets, extrinsic, apis, self.outer_enums(), custom())
    }

    fn outer_enums(&self) -> v15::OuterEnums {
        v15::OuterEnums { call_enum_ty: self.call, event_enum_ty: self.event, error_enum_ty: self.error }
    }
}

fn pallet_v16(pallet: &PalletMetadata) -> v16::PalletMetadata {
    let variants = || v16::EnumDeprecationInfo(BTreeMap::new());
    // Clients of V16 choose their hasher by this associated type's last path segment.
    let associated_types = if pallet.name == "System" {
        [v16::PalletAssociatedTypeMetadata {
            name: "Hashing",
            ty: meta_type::<BlakeTwo256>(),
            docs: ["The hash function of blocks, extrinsics and state."].into(),
        }]
        .into()
    } else {
        Vec::new()
    };
    v16::PalletMetadata {
        name: pallet.name,
        storage: (!pallet.storage.is_empty()).then(|| v16::PalletStorageMetadata {
            prefix: pallet.name,
            entries: pallet.storage.iter().cloned().map(entry_v16).collect(),
        }),
        calls: pallet.calls.map(|ty| v16::PalletCallMetadata { ty, deprecation_info: variants() }),
        event: pallet.event.map(|ty| v16::PalletEventMetadata { ty, deprecation_info: variants() }),
        constants: pallet
            .constants
            .iter()
            .map(|constant| v16::PalletConstantMetadata {
                name: constant.name,
                ty: constant.ty,
                value: constant.value.clone(),
                docs: constant.docs.clone(),
                deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
            })
            .collect(),
        error: pallet.error.map(|ty| v16::PalletErrorMetadata { ty, deprecation_info: variants() }),
        associated_types,
        view_functions: Vec::new(),
        index: pallet.index,
        docs: pallet.docs.clone(),
        deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
    }
}

fn entry_v16(entry: StorageEntryMetadata) -> v16::StorageEntryMetadata {
    v16::StorageEntryMetadata {
        name: entry.name,
        modifier: entry.modifier,
        ty: entry.ty,
        default: entry.default,
        docs: entry.docs,
        deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
    }
}

fn storage(pallet: &PalletMetadata) -> Option<v14::PalletStorageMetadata> {
    (!pallet.storage.is_empty())
        .then(|| v14::PalletStorageMetadata { prefix: pallet.name, entries: pallet.storage.clone() })
}

fn constant(constant: &Constant) -> v14::PalletConstantMetadata {
    v14::PalletConstantMetadata {
        name: constant.name,
        ty: constant.ty,
        value: constant.value.clone(),
        docs: constant.docs.clone(),
    }
}

fn inputs(method: &Method) -> Vec<v15::RuntimeApiMethodParamMetadata> {
    method
        .inputs
        .iter()
        .map(|(name, ty)| v15::RuntimeApiMethodParamMetadata { name: *name, ty: *ty })
        .collect()
}

fn custom() -> v15::CustomMetadata {
    v15::CustomMetadata { map: BTreeMap::new() }
}

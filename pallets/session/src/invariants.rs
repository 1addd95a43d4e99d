//! What holds in every state.

use alloc::{
    format,
    string::{String, ToString},
};

use basalt_state::{StateError, StateRead};

use crate::{
    CURRENT_SET, DISABLED_VALIDATORS, HISTORICAL_SETS, HISTORY_SETS, KEY_OWNER, LEAVING, LEAVING_MAX,
    NEXT_KEYS, NEXT_SET, QUEUED_KEYS, Session, VALIDATORS, accounts, check as check_set, grandpa, queued,
    registry,
};

pub(crate) fn check(session: &Session, state: &dyn StateRead) -> Result<(), String> {
    let told = |error: StateError| error.to_string();
    let set = session.validators(state).map_err(told)?;
    check_set(&set.validators).map_err(|error| format!("CurrentSet: {error}"))?;
    let next = NEXT_SET.get(state).map_err(told)?;
    if let Some(next) = &next {
        if next.is_empty() {
            return Err("NextSet is empty: the chain would end with this session".to_string());
        }
        check_set(next).map_err(|error| format!("NextSet: {error}"))?;
    }
    let history = HISTORICAL_SETS.get(state, &set.id).map_err(told)?;
    let disabled = DISABLED_VALIDATORS.get_or_default(state).map_err(told)?;
    let places = disabled.iter().all(|place| set.validators.get(*place as usize).is_some());
    let repeated = [
        ("Validators", VALIDATORS.get_or_default(state).map_err(told)? == accounts(&set.validators)),
        ("Grandpa.CurrentSetId", grandpa::CURRENT_SET_ID.get_or_default(state).map_err(told)? == set.id),
        (
            "Grandpa.Authorities",
            grandpa::AUTHORITIES.get_or_default(state).map_err(told)? == grandpa::authorities(&set),
        ),
        (
            "QueuedKeys",
            QUEUED_KEYS.get_or_default(state).map_err(told)?
                == queued(next.as_deref().unwrap_or(&set.validators)),
        ),
        (
            "HistoricalSets",
            history.map_or(!CURRENT_SET.exists(state).map_err(told)?, |(_, kept)| kept == set),
        ),
        ("DisabledValidators", places && disabled.is_sorted_by(|one, other| one < other)),
    ];
    if let Some((item, _)) = repeated.iter().find(|(_, agrees)| !agrees) {
        return Err(format!("{item} does not say what CurrentSet says"));
    }
    if HISTORICAL_SETS.iter(state).count() > HISTORY_SETS as usize {
        return Err(format!("HistoricalSets has more than {HISTORY_SETS} sets"));
    }
    if LEAVING.get_or_default(state).map_err(told)?.len() > LEAVING_MAX {
        return Err(format!("Leaving has more than {LEAVING_MAX} accounts"));
    }
    owners(state)
}

/// Each registered key has its owner, and each owner the key.
fn owners(state: &dyn StateRead) -> Result<(), String> {
    let told = |error: StateError| error.to_string();
    let mut keys = 0usize;
    for entry in NEXT_KEYS.iter(state) {
        let (who, registered) = entry.map_err(told)?;
        for key in registry::owned(&registered) {
            if KEY_OWNER.get(state, &key).map_err(told)? != Some(who) {
                return Err(format!("KeyOwner does not say that {who} has its key 0x{}", hex(&key.1)));
            }
            keys += 1;
        }
    }
    let owned = KEY_OWNER.iter(state).count();
    if owned == keys { Ok(()) } else { Err(format!("KeyOwner has {owned} keys, NextKeys has {keys}")) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

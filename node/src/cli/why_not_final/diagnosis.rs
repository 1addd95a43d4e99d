//! What a node's view of the votes means, in sentences. A pure function of the view.

use std::fmt::Write;

use basalt_primitives::{
    AccountId,
    keys::{Pair, Scheme},
    ss58,
};
use basalt_rpc_api::types::{ConsensusReport, ConsensusStep, Health, ValidatorReport, VoteReport};
use serde_json::{Value, json};

use crate::chain_spec::DEV_ACCOUNTS;

/// How much later than the slowest pace a block may come before it counts as late: two rounds that failed and their
/// votes over a slow network.
const PATIENCE_MILLIS: u64 = 5_000;

/// What a node told.
pub(super) struct View<'a> {
    pub(super) report: &'a ConsensusReport,
    pub(super) health: Health,
    pub(super) ss58_prefix: u16,
}

/// What it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diagnosis<'a> {
    pub(super) verdict: Verdict,
    /// Those of whom no vote for this height arrived, in the order of the set. Right after a block became final these
    /// may be all, so this counts only what the height before did not bring either.
    pub(super) silent: Vec<&'a ValidatorReport>,
    /// The power of the others.
    pub(super) voting: u64,
}

/// Whether blocks become final, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They do.
    Final,
    /// The node is behind, so that its view of the votes is old.
    CatchingUp,
    /// The node hears nobody.
    Alone,
    /// Too little stake votes.
    TooFewVotes,
    /// Enough stake votes, but not for one block.
    NoAgreement,
}

impl Verdict {
    /// For scripts.
    fn name(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::CatchingUp => "catchingUp",
            Self::Alone => "alone",
            Self::TooFewVotes => "tooFewVotes",
            Self::NoAgreement => "noAgreement",
        }
    }
}

impl<'a> Diagnosis<'a> {
    pub(super) fn of(view: &View<'a>) -> Self {
        let report = view.report;
        let late = late(report);
        // While blocks come, the votes for the present one are still under way: then the last one counts, too.
        let since = if late { report.height } else { report.height.saturating_sub(1) };
        // Who voted once in this round and then fell silent is what the round waits for, too.
        let lacks = |validator: &ValidatorReport| match report.step {
            ConsensusStep::Prevote => validator.prevote.is_none() && validator.precommit.is_none(),
            ConsensusStep::Precommit => validator.precommit.is_none(),
            ConsensusStep::Unstarted | ConsensusStep::Propose | ConsensusStep::Commit => false,
        };
        let is_silent = |validator: &&ValidatorReport| {
            validator.last_signed.is_none_or(|signed| signed < since) || (late && lacks(validator))
        };
        let (silent, others): (Vec<_>, Vec<_>) = report.validators.iter().partition(is_silent);
        let voting = others.iter().fold(0u64, |sum, validator| sum.saturating_add(validator.power));
        let hears_others = report.validators.len() <= 1 || view.health.peers > 0;
        let verdict = match late {
            _ if view.health.is_syncing => Verdict::CatchingUp,
            false => Verdict::Final,
            true if !hears_others => Verdict::Alone,
            true if voting < report.needed_power => Verdict::TooFewVotes,
            true => Verdict::NoAgreement,
        };
        Self { verdict, silent, voting }
    }

    /// How much power is missing.
    fn missing(&self, report: &ConsensusReport) -> u64 {
        report.needed_power.saturating_sub(self.voting)
    }

    /// For scripts.
    pub(super) fn json(&self, view: &View<'_>) -> Value {
        let report = view.report;
        let silent: Vec<Value> = self
            .silent
            .iter()
            .map(|validator| {
                json!({
                    "account": address(&validator.account, view.ss58_prefix),
                    "name": name(&validator.account),
                    "power": validator.power.to_string(),
                    "connected": validator.connected,
                    "lastSigned": validator.last_signed,
                })
            })
            .collect();
        json!({
            "final": self.verdict == Verdict::Final,
            "reason": self.verdict.name(),
            "silent": silent,
            "votingPower": self.voting.to_string(),
            "missingPower": self.missing(report).to_string(),
            "peers": view.health.peers,
            "status": report,
        })
    }

    /// For people.
    pub(super) fn text(&self, view: &View<'_>) -> String {
        let report = view.report;
        let mut text = self.opening(report);
        text.push_str("\n\n");
        text += &standing(report, view.ss58_prefix);
        let _ = writeln!(text, "{}", self.stake(report));
        if !self.silent.is_empty() {
            text.push_str("\nThese do not vote:\n");
            for validator in &self.silent {
                text += &row(validator, report, view.ss58_prefix);
            }
        }
        text += &unreachable(report, view.ss58_prefix);
        let _ = write!(text, "\n{}", self.remedy(view));
        text
    }

    fn opening(&self, report: &ConsensusReport) -> String {
        let number = report.finalized_number;
        let ago = report.finalized_millis_ago.map(duration);
        match (self.verdict, ago) {
            (Verdict::Final, Some(ago)) => {
                format!("The chain is final: block #{number} became so {ago} ago.")
            }
            (Verdict::Final, None) => {
                format!("The chain is final up to block #{number}, and the next one is not late.")
            }
            (Verdict::CatchingUp, _) => {
                format!("This node is catching up with the chain: it has block #{number} as final so far.")
            }
            (_, Some(ago)) => {
                format!("The chain is not final: nothing has become so for {ago}, since block #{number}.")
            }
            (_, None) => format!(
                "The chain is not final: nothing has become so since this node started, {} ago or more; block #{number} \
                 was before.",
                duration(report.height_millis)
            ),
        }
    }

    /// How much votes, and how much is needed.
    fn stake(&self, report: &ConsensusReport) -> String {
        let percent = |power| percent(power, report.total_power);
        let (voting, needed) = (percent(self.voting), percent(report.needed_power));
        match self.missing(report) {
            0 => {
                let spare = self.voting.saturating_sub(report.needed_power);
                format!(
                    "Votes come from {voting} of the stake, {needed} are needed: {} to spare.",
                    percent(spare)
                )
            }
            missing => format!(
                "Votes come from {voting} of the stake, {needed} are needed (more than two thirds): {} are missing.",
                percent(missing)
            ),
        }
    }

    /// What to do.
    fn remedy(&self, view: &View<'_>) -> String {
        let report = view.report;
        match self.verdict {
            Verdict::Final if self.silent.is_empty() => "Nothing is to be done: all validators vote.".to_owned(),
            Verdict::Final => {
                "Blocks become final without them. Start them again, so that the next failure does not stop the chain."
                    .to_owned()
            }
            Verdict::CatchingUp => "Wait until it has caught up (system_syncState tells how far it is), or ask a \
                                    validator: --url ws://HOST:PORT."
                .to_owned(),
            Verdict::Alone => "This node has no peers, so it hears no votes but its own; the others may well be fine. \
                               Check that it knows somebody (--bootnodes, --reserved-nodes), that its p2p port can be \
                               reached, and that all nodes run the same genesis; or ask another node with --url."
                .to_owned(),
            Verdict::TooFewVotes => self.start_enough(view),
            Verdict::NoAgreement => {
                let nil = |vote: Option<VoteReport>| vote == Some(VoteReport::Nil);
                let against = report.validators.iter().filter(|v| nil(v.prevote) || nil(v.precommit)).count();
                format!(
                    "Enough stake votes, but not for one block; {against} of {} validators voted for none in this \
                     round. Proposals come too late or are refused: look for 'refused' and 'timeout' in the \
                     validators' logs, and compare their clocks and versions.",
                    report.validators.len()
                )
            }
        }
    }

    /// Who would have to come back.
    fn start_enough(&self, view: &View<'_>) -> String {
        let missing = self.missing(view.report);
        // Who is missing most comes first; among equals, the order of the set.
        let mut silent = self.silent.clone();
        silent.sort_by_key(|validator| std::cmp::Reverse(validator.power));
        let mut sum = 0u64;
        let enough = silent.iter().take_while(|validator| {
            let wanted = sum < missing;
            sum = sum.saturating_add(validator.power);
            wanted
        });
        let names: Vec<String> =
            enough.map(|validator| short(&validator.account, view.ss58_prefix)).collect();
        let (least, it) = match &names[..] {
            [one] => (one.clone(), "it"),
            _ => (names.join(" and "), "they"),
        };
        let mut text = format!(
            "Finality resumes by itself as soon as {least} vote{} again",
            if it == "it" { "s" } else { "" }
        );
        let connected = self.silent.iter().any(|validator| validator.connected == Some(true));
        let _ = write!(
            text,
            ". Ask who runs {it_or_them} to start the node (basalt --validator …) and to read its log.",
            it_or_them = if it == "it" { "it" } else { "them" }
        );
        if connected {
            text.push_str(
                " Those that are connected but do not vote lack the key of the set in their keystore, still wait after a \
                 start (--doppelganger-wait), or are catching up.",
            );
        }
        let all_local = silent.iter().all(|validator| name(&validator.account).is_some());
        if all_local {
            let names: Vec<String> = silent
                .iter()
                .filter_map(|validator| name(&validator.account))
                .map(|name| format!("`basalt localnet ctl start {}`", name.to_ascii_lowercase()))
                .collect();
            let _ = write!(text, " In a localnet: {}.", names.join(", "));
        }
        text
    }
}

/// Whether a block should have become final by now.
fn late(report: &ConsensusReport) -> bool {
    // A node that has just started has seen no block become final yet: then the height's own time counts.
    let silence = report.finalized_millis_ago.unwrap_or(report.height_millis);
    silence > report.empty_block_millis.saturating_add(PATIENCE_MILLIS)
}

/// Height, round, step and proposer.
fn standing(report: &ConsensusReport, prefix: u16) -> String {
    let waits = match report.step {
        ConsensusStep::Unstarted => "waits for its time",
        ConsensusStep::Propose => "waits for the proposal",
        ConsensusStep::Prevote => "waits for first votes",
        ConsensusStep::Precommit => "waits for second votes",
        ConsensusStep::Commit => "is being committed",
    };
    let proposer = report.proposer.as_ref().map_or_else(String::new, |account| {
        let silent = report
            .validators
            .iter()
            .any(|validator| validator.account == *account && validator.connected == Some(false));
        let note = if silent { ", which is not connected" } else { "" };
        format!("; the proposer is {}{note}", short(account, prefix))
    });
    format!("Block #{} is in round {} and {waits}{proposer}.\n", report.height, report.round)
}

/// Whom the node that was asked does not reach, if it is a validator itself.
fn unreachable(report: &ConsensusReport, prefix: u16) -> String {
    let missing = report.validators.iter().filter(|validator| validator.connected == Some(false));
    let names: Vec<String> = missing.map(|validator| short(&validator.account, prefix)).collect();
    match (report.local, &names[..]) {
        (None, _) | (_, []) => String::new(),
        _ => format!(
            "\nThis node has no direct connection with {}. Validators pass nothing on for each other, so all of them must be \
             connected directly (--reserved-nodes).\n",
            names.join(", ")
        ),
    }
}

fn row(validator: &ValidatorReport, report: &ConsensusReport, prefix: u16) -> String {
    let connected = match validator.connected {
        Some(true) => "connected, ",
        Some(false) => "not connected, ",
        None => "",
    };
    let last = match validator.last_signed {
        Some(number) => format!("last vote for #{number}"),
        None => "no vote since this node started".to_owned(),
    };
    format!(
        "  {:<8} {}  {:>6}  {connected}{last}\n",
        name(&validator.account).unwrap_or("-"),
        address(&validator.account, prefix),
        percent(validator.power, report.total_power),
    )
}

/// A share with one decimal, rounded down: 66.6 % is not two thirds.
fn percent(power: u64, total: u64) -> String {
    let permille = u128::from(power) * 1000 / u128::from(total.max(1));
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A duration as people say it.
fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{}.{} s", seconds, millis % 1000 / 100),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn address(account: &AccountId, prefix: u16) -> String {
    ss58::encode(prefix, account.as_ref())
}

/// A name if there is one, else the address.
fn short(account: &AccountId, prefix: u16) -> String {
    name(account).map_or_else(|| address(account, prefix), str::to_owned)
}

/// The name of a development account or of its stash.
fn name(account: &AccountId) -> Option<&'static str> {
    let is = |suri: String| {
        Pair::from_suri(Scheme::Sr25519, &suri).is_ok_and(|pair| pair.account_id() == *account)
    };
    DEV_ACCOUNTS.into_iter().find(|name| is(format!("//{name}")) || is(format!("//{name}//stash")))
}

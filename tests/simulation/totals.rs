//! What happened in all, told at the end.

use std::fmt;
use std::ops::AddAssign;

macro_rules! totals {
    ($($name:ident: $said:literal,)+) => {
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Totals {
            $(pub $name: u64,)+
        }

        impl AddAssign for Totals {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)+
            }
        }

        impl fmt::Display for Totals {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let counted = [$((self.$name, $said),)+];
                let said: Vec<String> = counted.iter().map(|(count, said)| format!("{count} {said}")).collect();
                out.write_str(&said.join(", "))
            }
        }
    };
}

totals! {
    tenants: "tenants",
    days: "days (all worlds together)",
    events: "events",
    calls: "AWS calls",
    faults: "faults",
    crashes: "crashes",
    leavings: "leavings",
    returns: "returns",
    epochs: "next epochs",
    false_words: "untrue events settled",
    holds: "holds",
    early: "early deletions",
    rotations: "rotations",
    purges: "purges begun",
    certificates: "certificates verified",
    expired: "items ended by TTL",
    restores: "restores",
    restored_items: "items restored",
    versions: "item versions in snapshots",
    selections: "selections",
    webhooks: "webhooks",
    repeated: "messages handed out again",
    dead_events: "events given up",
    sweeps: "sweeps",
    copies_seen: "copies seen",
    looks: "invariants checked",
}

//! Registries: what Elixir's own tests of its registry say, and where each is tested here.
//!
//! | what Elixir says | the test |
//! |---|---|
//! | `count` of none and of many | `entries_are_counted` |
//! | a second registration is refused with the holder's pid | `a_held_key_is_refused_with_the_holders_pid` |
//! | a refused registration leaves no residue | `a_refused_registration_leaves_nothing_behind` |
//! | the key of a dead process is free at once | `a_key_is_taken_over_while_its_holder_is_still_ending` |
//! | `keys`, `values`, `lookup` | `keys_and_values_are_those_of_one_process`, `one_process_may_have_several_entries_under_one_key` |
//! | `unregister`: own entries, unknown keys are no error | `only_its_own_entry_can_be_given_back`, `unregister_takes_out_all_own_entries_under_the_key` |
//! | `unregister_match` | `an_entry_is_given_back_if_its_value_says_so`, `unregister_if_picks_among_own_entries` |
//! | `update_value` gives new and old, to the owner alone | `a_value_is_changed_by_its_owner_alone` |
//! | `dispatch` | `dispatch_calls_once_for_each_entry` |
//! | `match`, `select` and their counts | `select_picks_among_living_entries` |
//! | listeners are told | `listeners_are_told_of_coming_and_going` |
//! | all is clean after the owners' ends | `a_hundred_thousand_entries_leave_nothing` |
//! | `via`: start, call, send, `already_started`, a value | `via.rs` |
//! | the name is free when `init` crashes | `a_name_is_free_after_a_failed_start` |
//! | exactly one of ten racing processes wins | `one_of_ten_wins` |
//!
//! On purpose otherwise: the entries are gone *before* anybody hears of the owner's end (`ends.rs`), listeners hear of a
//! death too (`listeners_are_told_of_a_death`), and a duplicate registry has no `via`: that is a compile error.

mod children;
mod duplicate;
mod ends;
mod hostile;
mod listeners;
mod many;
mod races;
mod takeover;
mod unique;
mod via;

use std::sync::Arc;

use otp_core::{AlreadyRegistered, Registry, RegistryEvent, ServerRef};

use crate::support::{Log, Msg, Probe, inside};

type Names = Registry<&'static str, Msg, u32>;

async fn server() -> ServerRef<Msg> {
    Probe::new(&Log::default()).start().await.unwrap()
}

/// Has a server register itself.
async fn register(
    names: &Names,
    server: &ServerRef<Msg>,
    key: &'static str,
    value: u32,
) -> Result<(), AlreadyRegistered> {
    let names = names.clone();
    inside(server, move |_, ctx| names.register(ctx, key, value)).await
}

/// A key with something to be done when a listener is told of it.
#[derive(Clone)]
struct Hook(Arc<dyn Fn() + Send + Sync>);

impl Hook {
    fn new(work: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(work))
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl PartialEq for Hook {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Hook {}

impl std::hash::Hash for Hook {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// What a listener is told, whose conversion does what the key says.
struct Hooked(RegistryEvent<Hook, u32>);

impl From<RegistryEvent<Hook, u32>> for Hooked {
    fn from(event: RegistryEvent<Hook, u32>) -> Self {
        match &event {
            RegistryEvent::Registered { key, .. } | RegistryEvent::Unregistered { key, .. } => {
                key.0();
            }
            _ => {}
        }
        Self(event)
    }
}

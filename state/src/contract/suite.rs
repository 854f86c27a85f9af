//! Everything, in order.

use std::sync::Arc;

use super::{leases, objects};
use crate::Backend;

/// Two instances of one place.
#[derive(Clone, Debug)]
pub struct Pair {
    /// One process's.
    pub a: Arc<dyn Backend>,
    /// Another's.
    pub b: Arc<dyn Backend>,
}

/// Runs the whole contract; `open` gives a new empty place each time.
pub async fn suite(open: impl AsyncFn() -> Pair) {
    objects::a_key_is_created_once(&open().await).await;
    objects::only_what_was_seen_is_replaced(&open().await).await;
    objects::bytes_are_kept_exactly(&open().await).await;
    objects::a_folder_lists_what_is_directly_inside(&open().await).await;
    objects::a_folder_is_listed_once_however_much_is_in_it(&open().await).await;
    objects::a_long_list_is_whole_and_in_order(&open().await).await;
    objects::a_deleted_object_is_gone_and_can_be_made_again(&open().await).await;
    objects::only_what_was_seen_is_deleted(&open().await).await;
    objects::keys_stay_inside(&open().await).await;
    objects::one_of_many_creators_wins(&open().await).await;
    objects::no_increment_is_lost(&open().await).await;
    objects::two_instances_are_one_place(&open().await).await;

    leases::one_holds_and_says_who(&open().await).await;
    leases::a_repeated_claim_is_granted(&open().await).await;
    leases::only_the_named_holder_is_freed(&open().await).await;
    leases::a_freed_holder_cannot_renew(&open().await).await;
    leases::epochs_grow(&open().await).await;
    leases::stacks_do_not_share_a_lease(&open().await).await;
    leases::a_dead_holder_is_replaced(&open().await).await;
    leases::one_of_many_claims_is_granted(&open().await).await;
    leases::one_of_many_successors_is_granted(&open().await).await;
    leases::asking_who_holds_disturbs_nobody(&open().await).await;
}

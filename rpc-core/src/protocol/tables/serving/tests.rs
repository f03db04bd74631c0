use super::*;

fn limits() -> Limits {
    let mut limits = Limits::server();
    limits.inflight_requests = 1;
    limits.live_handlers = 3;
    limits.inflight_bytes = 100;
    limits.tokens_inflight = 10;
    limits
}

fn request(cost: Cost) -> New<()> {
    let (place, deadline, now) = (None, None, Duration::ZERO);
    let (greeted, cold) = (false, None);
    New { is_request: true, greeted, place, method: 0, cost, deadline, cold, now }
}

const FREE: Cost = Cost { bytes: 0, tokens: 0 };

#[test]
fn a_handler_that_calls_lends_its_place_until_the_last_answer() {
    let mut serving = Serving::<()>::new();
    let key = serving.register(request(FREE));
    assert_eq!(serving.limit_reached(FREE, 0, &limits()), Some("inflight_requests"));
    assert!(serving.release_permit(key));
    assert!(!serving.release_permit(key));
    assert_eq!(serving.limit_reached(FREE, 0, &limits()), None);
    serving.reacquire_permit(key);
    assert_eq!(serving.limit_reached(FREE, 0, &limits()), None);
    serving.reacquire_permit(key);
    assert_eq!(serving.limit_reached(FREE, 0, &limits()), Some("inflight_requests"));
}

#[test]
fn lending_stops_at_the_hard_cap() {
    let mut serving = Serving::<()>::new();
    for _ in 0..3 {
        assert_eq!(serving.limit_reached(FREE, 0, &limits()), None);
        let key = serving.register(request(FREE));
        serving.release_permit(key);
    }
    assert_eq!(serving.limit_reached(FREE, 0, &limits()), Some("live_handlers"));
}

#[test]
fn bytes_and_tokens_are_free_again_when_a_request_ends() {
    let mut serving = Serving::<()>::new();
    let key = serving.register(request(Cost { bytes: 60, tokens: 6 }));
    serving.release_permit(key);
    let bytes = Cost { bytes: 41, tokens: 0 };
    let tokens = Cost { bytes: 0, tokens: 5 };
    assert_eq!(serving.limit_reached(bytes, 0, &limits()), Some("inflight_bytes"));
    assert_eq!(serving.limit_reached(tokens, 0, &limits()), Some("tokens_inflight"));
    assert_eq!(serving.limit_reached(Cost { bytes: 40, tokens: 4 }, 0, &limits()), None);
    assert!(serving.complete(key).is_some());
    assert!(serving.complete(key).is_none());
    assert_eq!(serving.limit_reached(bytes, 0, &limits()), None);
    assert_eq!(serving.released, 0);
}

#[test]
fn a_key_outlives_its_call_and_names_no_other() {
    let mut serving = Serving::<()>::new();
    let old = serving.register(request(FREE));
    serving.complete(old);
    let new = serving.register(request(FREE));
    assert_eq!(old.index, new.index);
    assert!(serving.get(old).is_none());
    serving.reacquire_permit(old);
    assert!(!serving.release_permit(old));
    assert!(serving.release_permit(new));
}

#[test]
fn a_request_is_found_by_its_id_while_it_is_kept() {
    let mut serving = Serving::<()>::new();
    let key = serving.register(request(FREE));
    assert_eq!((serving.find("1"), serving.requests()), (None, 1));
    serving.keep(key, &"1".into());
    assert_eq!(serving.find("1"), Some(key));
    serving.complete(key);
    serving.keep(key, &"1".into());
    assert_eq!((serving.find("1"), serving.requests()), (None, 0));
}

#[test]
fn a_request_cancelled_before_it_started_never_starts() {
    let mut serving = Serving::<()>::new();
    serving.register_unstarted(request(FREE), "1", "[1]".into());
    serving.register_unstarted(request(FREE), "2", "[2]".into());
    let first = serving.find("1").unwrap();
    serving.complete(first);
    assert_eq!(&*serving.next_unstarted().unwrap().1, "[2]");
    assert!(serving.next_unstarted().is_none());
}

fn ordered(serving: &mut Serving<()>, id: &str) -> Key {
    serving.register_ordered(request(FREE), id, "[]".into());
    serving.find(id).unwrap()
}

fn start_ordered(serving: &mut Serving<()>) -> Option<Key> {
    if !serving.has_ready_ordered() {
        return None;
    }
    serving.next_ordered().map(|(key, _)| key)
}

#[test]
fn an_ordered_request_waits_for_what_came_before_it_and_for_nothing_else() {
    let mut serving = Serving::<()>::new();
    let earlier = [(); 2].map(|()| serving.register(request(FREE)));
    let key = ordered(&mut serving, "1");
    let _later = serving.register(request(FREE));
    for call in earlier {
        assert_eq!(start_ordered(&mut serving), None);
        serving.complete(call);
    }
    assert_eq!(start_ordered(&mut serving), Some(key));
    assert_eq!(start_ordered(&mut serving), None);
}

#[test]
fn ordered_requests_wait_for_each_other_and_not_for_one_that_is_gone() {
    let mut serving = Serving::<()>::new();
    let earlier = serving.register(request(FREE));
    let keys = ["1", "2", "3", "4"].map(|id| ordered(&mut serving, id));
    serving.complete(keys[0]);
    serving.complete(keys[2]);
    assert_eq!(start_ordered(&mut serving), None);
    serving.complete(earlier);
    for key in [keys[1], keys[3]] {
        assert_eq!(start_ordered(&mut serving), Some(key));
        assert_eq!(start_ordered(&mut serving), None);
        serving.complete(key);
    }
    assert!(!serving.holds_up_ordered());
}

#[test]
fn ordered_requests_that_are_cancelled_while_another_waits_leave_nothing_behind() {
    let mut serving = Serving::<()>::new();
    let earlier = serving.register(request(FREE));
    let waits = ordered(&mut serving, "waits");
    for _ in 0..1000 {
        let key = ordered(&mut serving, "cancelled");
        serving.complete(key);
    }
    assert!(serving.ordered.len() < 16, "{}", serving.ordered.len());
    serving.complete(earlier);
    assert_eq!(start_ordered(&mut serving), Some(waits));
}

#[test]
fn a_handler_that_waits_for_its_own_call_or_has_returned_holds_up_nothing() {
    let mut serving = Serving::<()>::new();
    let [lends, returns] = [(); 2].map(|()| serving.register(request(FREE)));
    let key = ordered(&mut serving, "1");
    serving.release_permit(lends);
    serving.release_permit(lends);
    serving.returned(returns);
    assert!(serving.has_ready_ordered());
    serving.reacquire_permit(lends);
    assert!(serving.has_ready_ordered(), "it waits for another one");
    serving.reacquire_permit(lends);
    assert!(!serving.has_ready_ordered(), "it goes on");
    serving.release_permit(lends);
    serving.complete(lends);
    serving.complete(returns);
    assert_eq!(start_ordered(&mut serving), Some(key));
}

#[test]
fn a_call_counts_from_when_it_came_whenever_it_starts() {
    let mut serving = Serving::<()>::new();
    let number = serving.number();
    let key = ordered(&mut serving, "1");
    assert!(serving.has_ready_ordered());
    let late = serving.register_numbered(request(FREE), number);
    assert_eq!(start_ordered(&mut serving), None);
    serving.complete(late);
    assert_eq!(start_ordered(&mut serving), Some(key));
}

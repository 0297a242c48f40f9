use super::*;

fn at(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 80))
}

fn places(count: u8) -> Places<u8> {
    let mut places = Places::new();
    places.set(&(1..=count).map(at).collect::<Vec<_>>());
    places
}

fn candidates(places: &mut Places<u8>) -> Vec<u16> {
    let last = |address: SocketAddr| match address.ip() {
        std::net::IpAddr::V4(ip) => ip.octets()[3].into(),
        std::net::IpAddr::V6(_) => 0,
    };
    places.candidates().into_iter().map(last).collect()
}

fn keep(places: &mut Places<u8>, last: u8, what: u8) {
    places.kept(at(last)).unwrap().push(what);
}

#[test]
fn all_are_used_in_turn() {
    let mut three = places(3);
    let turns: Vec<_> = (0..4).map(|_| candidates(&mut three)).collect();
    assert_eq!(turns, [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]]);
    assert!(candidates(&mut places(0)).is_empty());
}

#[test]
fn what_is_kept_is_taken_in_turn_too() {
    let mut three = places(3);
    for (last, what) in [(1, 10), (1, 11), (2, 20)] {
        keep(&mut three, last, what);
    }
    assert_eq!(three.take_next(), Some(11));
    assert_eq!(three.take_next(), Some(20));
    assert_eq!(three.take_next(), None, "nothing is kept for the third");
    assert_eq!(candidates(&mut three)[0], 3, "its turn is not lost");
    assert_eq!(three.take_next(), Some(10));
    assert_eq!(places(0).take_next(), None);
}

#[test]
fn who_fails_is_left_aside_for_a_growing_time() {
    let (mut two, start) = (places(2), Instant::now());
    keep(&mut two, 1, 10);
    let failed = two.failed(at(1), start);
    assert_eq!((failed.is_new, failed.kept), (true, vec![10]), "what leads there is of no use");
    assert_eq!(two.standing(), [(at(1), false), (at(2), true)]);
    assert_eq!(candidates(&mut two), [2, 1]);
    assert_eq!(candidates(&mut two), [2, 1]);
    // Others that fail meanwhile make it no longer.
    assert!(!two.failed(at(1), start).is_new);
    let (mut now, mut times) = (start, Vec::new());
    for _ in 0..7 {
        let before = now;
        while two.due(now).is_empty() {
            now += Duration::from_secs(1);
            assert!(now < before + Duration::from_secs(60), "it is never tried again");
        }
        times.push((now - before).as_secs());
        two.failed(at(1), now);
    }
    assert_eq!(times, [1, 2, 4, 8, 16, 30, 30]);
    assert!(two.reached(at(1)) && !two.reached(at(1)));
    assert_eq!(two.standing(), [(at(1), true), (at(2), true)]);
    assert!(two.due(now + Duration::from_secs(99)).is_empty());
    // It is well: the first failure counts as the first.
    two.failed(at(1), now);
    assert_eq!(two.due(now + Duration::from_secs(1)), [at(1)]);
    assert!(two.due(now + Duration::from_secs(1)).is_empty(), "once");
}

#[test]
fn if_all_are_aside_the_one_that_failed_longest_ago_is_first() {
    let (mut three, start) = (places(3), Instant::now());
    for (last, after) in [(2, 0), (3, 1), (1, 2)] {
        three.failed(at(last), start + Duration::from_millis(after));
    }
    assert_eq!(candidates(&mut three), [2, 3, 1]);
    three.failed(at(2), start + Duration::from_millis(3));
    assert_eq!(candidates(&mut three), [3, 1, 2]);
    assert_eq!(three.take_next(), None);
}

#[test]
fn a_new_answer_keeps_what_stays() {
    let (mut three, now) = (places(3), Instant::now());
    for (last, what) in [(1, 10), (2, 20), (3, 30)] {
        keep(&mut three, last, what);
    }
    three.failed(at(3), now);
    keep(&mut three, 3, 31);
    assert_eq!(three.set(&[at(4), at(3), at(2), at(4)]), [10]);
    assert_eq!(three.standing(), [(at(4), true), (at(3), false), (at(2), true)]);
    assert_eq!(three.kept(at(2)), Some(&mut vec![20]));
    assert_eq!(three.kept(at(1)), None);
    assert_eq!((three.kept_count(), three.all_kept().count()), (2, 3));
    // What happens to one that is gone is nobody's affair.
    let failed = three.failed(at(1), now);
    assert!(!failed.is_new && failed.kept.is_empty() && !three.reached(at(1)));
    let mut many = places(0);
    let addresses: Vec<_> = (0..=PLACES_MAX as u8).map(at).collect();
    many.set(&addresses);
    assert_eq!(many.standing().len(), PLACES_MAX);
    assert!(many.set(&[]).is_empty() && many.is_empty());
}

//! Servers that give one another something to do run one after the other in one task: nothing is lost with the one that is
//! next, whatever else befalls it.

use genserver::{Next, Reason, ServerRef};

use crate::check::check;
use crate::door::{Door, step_aside};
use crate::puppet::{Act, Log, Puppet, act, answer, slow, waiting};
use crate::world::{World, outsider, wait_for};

fn puppets<const N: usize>(world: &World) -> [ServerRef<Puppet>; N] {
    std::array::from_fn(|_| world.start::<Puppet>(waiting(&Log::default())))
}

/// Opens the door.
fn open(door: &Door) -> Act {
    let door = door.clone();
    act(move |_, _| {
        door.open();
        Next::wait()
    })
}

/// Passes a token to and fro so many times, and opens the door.
fn pass(left: u32, to: ServerRef<Puppet>, from: ServerRef<Puppet>, door: Door) -> Act {
    act(move |_, _| {
        if left == 0 {
            door.open();
        } else {
            let next = pass(left - 1, from, to.clone(), door);
            assert!(to.cast(next).is_ok());
        }
        Next::wait()
    })
}

#[test]
fn of_two_that_a_server_gives_something_both_do_it() {
    check(|| {
        let world = World::new(2);
        let [giver, first, second] = puppets(&world);
        let doors: [Door; 3] = Default::default();
        let given = doors.clone();
        let [to_first, to_second] = [first.clone(), second.clone()];
        let give = slow(move |_, _| {
            Box::pin(async move {
                assert!(to_first.cast(open(&given[0])).is_ok());
                step_aside().await;
                assert!(to_second.cast(open(&given[1])).is_ok());
                assert!(to_first.cast(open(&given[2])).is_ok());
                Next::wait()
            })
        });
        assert!(giver.cast(give).is_ok());
        let stranger = outsider(async move { first.call(|caller| answer(caller, 1)).no_timeout().await });
        doors.into_iter().for_each(|door| wait_for(async move { door.pass().await }));
        assert_eq!(stranger.join().unwrap(), Ok(1));
        world.end();
    });
}

#[test]
fn a_token_that_goes_to_and_fro_comes_to_its_end() {
    check(|| {
        let world = World::new(2);
        let [left, right] = puppets(&world);
        let door = Door::default();
        assert!(left.cast(pass(3, right.clone(), left.clone(), door.clone())).is_ok());
        let client = world.client(async move { right.call(|caller| answer(caller, 1)).no_timeout().await });
        wait_for(door.pass());
        assert_eq!(client.join().unwrap(), Ok(1));
        world.end();
    });
}

#[test]
fn a_server_that_is_next_may_be_killed() {
    check(|| {
        let world = World::new(1);
        let [giver, next] = puppets(&world);
        let given = next.clone();
        let give = act(move |_, _| {
            drop(given.cast(act(|_, _| Next::wait())));
            Next::wait()
        });
        assert!(giver.cast(give).is_ok());
        let killed = next.clone();
        let killer = outsider(async move { killed.kill() });
        assert_eq!(wait_for(next.ended()), Reason::Killed);
        killer.join().unwrap();
        assert_eq!(wait_for(giver.call(|caller| answer(caller, 1)).no_timeout()), Ok(1));
        world.end();
    });
}

#[test]
fn a_runtime_that_goes_ends_whoever_is_next() {
    check(|| {
        let world = World::new(1);
        let [left, right] = puppets(&world);
        assert!(left.cast(pass(2, right.clone(), left.clone(), Door::default())).is_ok());
        world.end();
        assert_eq!(wait_for(left.ended()), Reason::RuntimeGone);
        assert_eq!(wait_for(right.ended()), Reason::RuntimeGone);
    });
}

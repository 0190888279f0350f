//! Hibernation: any one handler asks for it, and the whole manager hibernates until its next message.

use genserver::{Status, sys};

use super::ms;
use super::puppet::{Act, Ask, Begin, Double, Events, FLAVOURS, Note, Puppet, Told, manager, new_manager, which};

fn status(manager: &Events) -> Status {
    manager.server().info().status
}

/// Lets the manager's task run until nothing is left to do.
async fn settled(manager: &Events) -> Status {
    while !matches!(status(manager), Status::Waiting | Status::Hibernated) {
        tokio::task::yield_now().await;
    }
    status(manager)
}

#[tokio::test(start_paused = true)]
async fn ge_111_any_message_wakes_a_hibernating_manager() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = flavour.add(&manager, Puppet::new("a", &probe)).await.unwrap();
        let hibernate = |client| Ask::Do(Act::Hibernate, client);

        assert_eq!(manager.call(&puppet, hibernate).await.unwrap(), "a");
        assert_eq!(settled(&manager).await, Status::Hibernated);
        manager.send(Note::Told(Told::Number(1))).unwrap();
        assert_eq!(settled(&manager).await, Status::Waiting);

        manager.call(&puppet, hibernate).await.unwrap();
        manager.send_after(ms(100), Note::Told(Told::Number(2)));
        genserver::time::sleep(ms(50)).await;
        assert_eq!(settled(&manager).await, Status::Hibernated);
        genserver::time::sleep(ms(100)).await;
        assert_eq!(settled(&manager).await, Status::Waiting);

        manager.call(&puppet, hibernate).await.unwrap();
        manager.notify(Told::Number(3)).unwrap();
        assert_eq!(settled(&manager).await, Status::Waiting);

        manager.call(&puppet, hibernate).await.unwrap();
        manager.sync_notify(Told::Number(4)).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Waiting);
        assert_eq!(manager.call(&puppet, Ask::Seen).await.unwrap(), [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn ge_112_one_handler_asks_and_all_hibernate() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        for (name, id) in [("a", 1), ("b", 2), ("c", 3)] {
            flavour.add(&manager, Puppet::new(name, &probe)).id(id).await.unwrap();
        }
        for name in ["a", "b", "c"] {
            manager.sync_notify(Told::Do(name, Act::Hibernate)).await.unwrap();
            assert_eq!(settled(&manager).await, Status::Hibernated, "{name} has asked");
            manager.sync_notify(Told::Number(1)).await.unwrap();
            assert_eq!(settled(&manager).await, Status::Waiting);
        }
    }
}

#[tokio::test]
async fn ge_113_a_manager_that_hibernates_since_an_init_can_be_suspended() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = Puppet::new("a", &probe).begin(Begin::Hibernate);
        flavour.add(&manager, puppet).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated);
        sys::suspend(manager.server()).await.unwrap();
        sys::resume(manager.server()).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated);
        assert_eq!(which(&manager).await, ["Puppet"]);
        assert_eq!(settled(&manager).await, Status::Waiting);
    }
}

#[tokio::test(start_paused = true)]
async fn ge_114_a_manager_hibernates_after_a_silence() {
    let (start, probe, _node) = new_manager();
    let manager = start.hibernate_after(ms(100)).await.unwrap();
    manager.add_handler(Puppet::new("a", &probe)).await.unwrap();
    genserver::time::sleep(ms(50)).await;
    manager.notify(Told::Number(1)).unwrap();
    genserver::time::sleep(ms(80)).await;
    assert_eq!(settled(&manager).await, Status::Waiting);
    genserver::time::sleep(ms(80)).await;
    assert_eq!(settled(&manager).await, Status::Hibernated);
    manager.sync_notify(Told::Number(2)).await.unwrap();
    assert_eq!(settled(&manager).await, Status::Waiting);
}

#[tokio::test]
async fn ge_115_every_callback_may_ask_for_hibernation() {
    for flavour in FLAVOURS {
        let (manager, probe) = manager().await;
        let puppet = Puppet::new("a", &probe).begin(Begin::Hibernate);
        let puppet = flavour.add(&manager, puppet).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated, "init");
        flavour.add(&manager, Double::of("b", &probe)).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Waiting);
        manager.call(&puppet, |client| Ask::Do(Act::Hibernate, client)).await.unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated, "call");
        manager.notify(Told::Do("a", Act::Hibernate)).unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated, "event");
        manager.send(Note::Told(Told::Do("a", Act::Hibernate))).unwrap();
        assert_eq!(settled(&manager).await, Status::Hibernated, "info");
        manager.send(Note::Told(Told::Number(1))).unwrap();
        assert_eq!(settled(&manager).await, Status::Waiting);
    }
}
